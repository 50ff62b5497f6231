import type { DescMethod, DescService, MessageShape } from '@bufbuild/protobuf';
import type { Target } from '#server/features/access/service.ts';
import { ArtifactService } from '#server/gen/forest/v1/artifacts_pb.ts';
import { DestinationService } from '#server/gen/forest/v1/destinations_pb.ts';
import { EnvironmentService } from '#server/gen/forest/v1/environments_pb.ts';
import { StatusService } from '#server/gen/forest/v1/health_pb.ts';
import { IdentityService } from '#server/gen/forest/v1/identities_pb.ts';
import { OrganisationService } from '#server/gen/forest/v1/organisations_pb.ts';
import { PolicyService } from '#server/gen/forest/v1/policies_pb.ts';
import { ReleasePipelineService } from '#server/gen/forest/v1/release_pipelines_pb.ts';
import { ReleaseService } from '#server/gen/forest/v1/releases_pb.ts';
import { ServiceAccountService } from '#server/gen/forest/v1/service_accounts_pb.ts';
import { SessionService } from '#server/gen/forest/v1/sessions_pb.ts';
import { UsersService } from '#server/gen/forest/v1/users_pb.ts';
import { Health } from '#server/gen/grpc/health/v1/health_pb.ts';
import { ServerReflection } from '#server/gen/grpc/reflection/v1/reflection_pb.ts';
import type { TokenScope } from '#server/wire/token-scope.ts';

export const services = {
  ArtifactService,
  DestinationService,
  EnvironmentService,
  Health,
  IdentityService,
  OrganisationService,
  PolicyService,
  ReleasePipelineService,
  ReleaseService,
  ServerReflection,
  ServiceAccountService,
  SessionService,
  StatusService,
  UsersService,
} as const;

/**
 * Which credentials a method accepts: `logins` sessions and logins, so that a stolen access token cannot create others;
 * `people` also their access tokens; `everybody` also tokens of service accounts.
 */
export type Callers = 'logins' | 'people' | 'everybody';

/** What a method requires of its caller. */
export type AccessRule<Request> =
  /** No credentials. Valid ones are still read; invalid ones count as none. */
  | { readonly need: 'public' }
  /** A signed-in caller; the method shows each caller only what they may see. */
  | { readonly need: 'authenticated'; readonly callers: Callers; readonly token: TokenScope }
  /** A member, or a service account, of any organisation, for requests that name none. */
  | { readonly need: 'member-somewhere'; readonly callers: Callers; readonly token: TokenScope }
  /** A member, or an admin, of the organisation that the request points at. */
  | {
      readonly need: 'member' | 'admin';
      readonly callers: Callers;
      readonly token: TokenScope;
      /** A further scope that the request may need. */
      readonly tokenAlso?: (request: Request) => TokenScope | null;
      readonly at: (request: Request) => Target;
    };

type MethodsOf<Service extends DescService> = {
  readonly [Name in keyof Service['method']]: Service['method'][Name] extends DescMethod
    ? AccessRule<MessageShape<Service['method'][Name]['input']>>
    : never;
};
/** One row for each method; a method without a row does not compile. */
type AccessTable = { readonly [Name in keyof typeof services]: MethodsOf<(typeof services)[Name]> };

const at = (by: Target['by'], ...names: string[]): Target => ({ by, names });
const named = (r: { organisation: string; project: string }) => at('project', r.organisation, r.project);
const project = (r: { project?: { organisation: string; project: string } }) =>
  named(r.project ?? { organisation: '', project: '' });
const organisation = (r: { organisation: string }) => at('organisation', r.organisation);
const organisationId = (r: { organisationId: string }) => at('organisationId', r.organisationId);
const projectIfNamed = ({ organisation: name, project }: { organisation: string; project?: string }) =>
  project === undefined ? at('organisation', name) : at('project', name, project);
const artifact = (r: { artifactId: string }) => at('artifact', r.artifactId);
const intent = (r: { releaseIntentId: string }) => at('intent', r.releaseIntentId);
const environment = (r: { id: string }) => at('environment', r.id);

const anonymous = { need: 'public' } as const;
const signedIn = (token: TokenScope, callers: Callers = 'people') =>
  ({ need: 'authenticated', callers, token }) as const;
const member = <Request>(token: TokenScope, at: (request: Request) => Target, callers: Callers = 'people') =>
  ({ need: 'member', callers, token, at }) as const;
const admin = <Request>(at: (request: Request) => Target, callers: Callers = 'people') =>
  ({ need: 'admin', callers, token: 'admin', at }) as const;
/** What every member may read, and service accounts too. */
const read = <Request>(target: (request: Request) => Target) => member('read', target, 'everybody');
/** A bypass requires the scope of an admin as well: a token for votes must not bypass. */
const approval = {
  ...member('approve', project),
  tokenAlso: (r: { forceBypass: boolean }) => (r.forceBypass ? 'admin' : null),
} as const;

/** An upload belongs to no organisation until it is annotated. */
const uploader = { need: 'member-somewhere', callers: 'everybody', token: 'release' } as const;

/** Who may call which method. */
const accessTable: AccessTable = {
  ArtifactService: {
    beginUploadArtifact: uploader,
    uploadArtifact: uploader,
    commitArtifact: uploader,
    getArtifactFiles: read(artifact),
  },
  DestinationService: {
    createDestination: admin(organisation),
    updateDestination: admin(organisation),
    deleteDestination: admin(organisation),
    getDestinations: read(organisation),
    listDestinationTypes: signedIn('read', 'everybody'),
  },
  EnvironmentService: {
    createEnvironment: admin(organisation),
    getEnvironment: read(({ identifier: { case: by, value } }) =>
      by === 'lookup' ? organisation(value) : at('environment', value ?? ''),
    ),
    listEnvironments: read(organisation),
    updateEnvironment: admin(environment),
    deleteEnvironment: admin(environment),
  },
  // For load balancers and tools, which have no credentials.
  Health: { check: anonymous, list: anonymous, watch: anonymous },
  IdentityService: {
    listIdentities: signedIn('read'),
    connectIdentity: signedIn('admin', 'logins'),
    disconnectIdentity: signedIn('admin', 'logins'),
  },
  OrganisationService: {
    createOrganisation: signedIn('admin'),
    getOrganisation: read(({ identifier: { case: by, value } }) =>
      at(by === 'name' ? 'organisation' : 'organisationId', value ?? ''),
    ),
    listMyOrganisations: signedIn('read'),
    updateOrganisation: admin(organisationId),
    addMember: admin(organisationId),
    removeMember: admin(organisationId),
    // Any member may leave, because members are added without their consent.
    leaveOrganisation: member('admin', organisationId),
    updateMemberRole: admin(organisationId),
    listMembers: member('read', organisationId),
    listJoinRules: member('read', organisationId),
    createJoinRule: admin(organisationId),
    deleteJoinRule: admin(organisationId),
  },
  PolicyService: {
    createPolicy: admin(project),
    updatePolicy: admin(project),
    deletePolicy: admin(project),
    listPolicies: read(project),
    evaluatePolicies: read(project),
    getSoakRecord: read(project),
    // domain/approval/ballot.ts decides who may vote how.
    approveRelease: approval,
    rejectRelease: member('approve', project),
    withdrawVote: member('approve', project),
    getApprovalState: read(project),
    externalApproveRelease: approval,
    externalRejectRelease: member('approve', project),
    getExternalApprovalState: read(project),
    getReleaseRequirements: read(project),
    getReleaseOptions: read(project),
    listPendingApprovals: signedIn('read'),
    listHistory: member('read', projectIfNamed),
    verifyHistory: admin(organisation),
    // Contains IP addresses and the sign-ins of all members.
    exportHistory: admin(projectIfNamed),
  },
  ReleasePipelineService: {
    createReleasePipeline: admin(project),
    updateReleasePipeline: admin(project),
    deleteReleasePipeline: admin(project),
    listReleasePipelines: read(project),
  },
  ReleaseService: {
    annotateRelease: member('release', project, 'everybody'),
    release: member('release', artifact, 'everybody'),
    waitRelease: read(intent),
    getArtifactBySlug: read((r) => at('slug', r.slug)),
    getArtifactsByProject: read(project),
    getOrganisations: signedIn('read'),
    getProjects: read((r) => at('organisation', r.query.value?.organisation ?? '')),
    createProject: admin(organisation),
    getProject: read(named),
    updateProject: admin(named),
    getDestinationStates: read(projectIfNamed),
    getReleaseIntentStates: read(projectIfNamed),
    listMyReleases: signedIn('read'),
    // The service requires an author or an admin, under the lock.
    cancelRelease: member('release', intent, 'everybody'),
    retryStage: member('release', intent, 'everybody'),
    approvePlanStage: member('approve', intent),
    rejectPlanStage: member('approve', intent),
    planAgain: member('release', intent),
    endHold: member('approve', project),
    getPlanOutput: read(intent),
    getReleaseComparison: read(project),
    getDeploymentBoard: read(projectIfNamed),
    getReleaseLogs: read((r) => at('release', r.releaseId)),
    // Authorised by the report token of one release.
    reportRelease: anonymous,
    settleDestination: admin(project),
    freeDestination: admin(organisation),
  },
  ServerReflection: { serverReflectionInfo: anonymous },
  ServiceAccountService: {
    listServiceAccounts: { ...admin(organisationId), token: 'read' },
    createServiceAccount: admin(organisationId, 'logins'),
    deleteServiceAccount: admin(organisationId, 'logins'),
    createServiceAccountToken: admin(organisationId, 'logins'),
    revokeServiceAccountToken: admin(organisationId, 'logins'),
  },
  SessionService: {
    signIn: anonymous,
    signOut: anonymous,
    getSession: anonymous,
    // Authorised by the one-time token that the server prints at start.
    setUp: anonymous,
    // Locations of sessions must not leak with an access token.
    listSessions: signedIn('read', 'logins'),
    endSession: signedIn('admin', 'logins'),
    signOutEverywhere: signedIn('admin', 'logins'),
  },
  StatusService: { status: anonymous },
  UsersService: {
    register: anonymous,
    login: anonymous,
    refreshToken: anonymous,
    logout: anonymous,
    getUser: signedIn('read'),
    listUsers: signedIn('read'),
    changePassword: signedIn('admin', 'logins'),
    createPersonalAccessToken: signedIn('admin', 'logins'),
    listPersonalAccessTokens: signedIn('read'),
    deletePersonalAccessToken: signedIn('admin', 'logins'),
    listCommitAddresses: signedIn('read'),
    // They decide which releases the caller can approve.
    addCommitAddress: signedIn('admin', 'logins'),
    removeCommitAddress: signedIn('admin', 'logins'),
    tokenInfo: signedIn('read', 'everybody'),
  },
};

/** The row of a method. */
export function accessRuleOf(method: DescMethod): AccessRule<unknown> {
  const rows: Readonly<Record<string, Readonly<Record<string, AccessRule<never>>>>> = accessTable;
  const rule = rows[method.parent.name]?.[method.localName];
  // Fail closed, although the types make this unreachable.
  if (rule === undefined)
    throw new Error(`${method.parent.name}.${method.name} has no row in the access table`);
  return rule as AccessRule<unknown>;
}
