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

/** What an access token must be scoped for; sessions and logins may do all that their user may. */
export type TokenScope = 'read' | 'release' | 'approve' | 'admin';

/**
 * Which callers a method takes: `logins` are people by a session or a login, so that a stolen access token cannot make itself a
 * longer life; `people` also by their access tokens; `everybody` service accounts too.
 */
export type Callers = 'logins' | 'people' | 'everybody';

/** What a method asks of its caller. */
export type AccessRule<Request> =
  /** Anybody; credentials that are sent are still read, and wrong ones are taken for none. */
  | { readonly need: 'public' }
  /** Anybody who is signed in; the method itself shows each caller only what is theirs. */
  | { readonly need: 'authenticated'; readonly callers: Callers; readonly token: TokenScope }
  /** Members, or admins, of the organisation that the request points at. */
  | {
      readonly need: 'member' | 'admin';
      readonly callers: Callers;
      readonly token: TokenScope;
      /** What a token must be scoped for beside that, by what is asked. */
      readonly tokenAlso?: (request: Request) => TokenScope | null;
      readonly at: (request: Request) => Target;
    };

type MethodsOf<Service extends DescService> = {
  readonly [Name in keyof Service['method']]: Service['method'][Name] extends DescMethod
    ? AccessRule<MessageShape<Service['method'][Name]['input']>>
    : never;
};
/** A row for each method of each service: a method without one does not compile. */
type AccessTable = { readonly [Name in keyof typeof services]: MethodsOf<(typeof services)[Name]> };

type WithProject = { readonly project?: { readonly organisation: string; readonly project: string } };
const project = (r: WithProject): Target => ({
  kind: 'project',
  organisation: r.project?.organisation ?? '',
  project: r.project?.project ?? '',
});
const named = (r: { organisation: string; project: string }): Target => ({
  kind: 'project',
  organisation: r.organisation,
  project: r.project,
});
const organisation = (r: { organisation: string }): Target => ({
  kind: 'organisation',
  name: r.organisation,
});
const organisationId = (r: { organisationId: string }): Target => ({
  kind: 'organisationId',
  id: r.organisationId,
});
const projectIfNamed = (r: { organisation: string; project?: string }): Target =>
  r.project === undefined
    ? { kind: 'organisation', name: r.organisation }
    : { kind: 'project', organisation: r.organisation, project: r.project };
const intent = (r: { releaseIntentId: string }): Target => ({ kind: 'intent', id: r.releaseIntentId });
const environment = (r: { id: string }): Target => ({ kind: 'environment', id: r.id });

const anybody = { need: 'public' } as const;
const signedIn = (token: TokenScope, callers: Callers = 'people') =>
  ({ need: 'authenticated', callers, token }) as const;
const member = <Request>(token: TokenScope, at: (request: Request) => Target, callers: Callers = 'people') =>
  ({ need: 'member', callers, token, at }) as const;
const admin = <Request>(at: (request: Request) => Target, callers: Callers = 'people') =>
  ({ need: 'admin', callers, token: 'admin', at }) as const;
/** A bypass is an admin's deed: a token that was made for votes alone makes none. */
const approval = {
  ...member('approve', project),
  tokenAlso: (r: { forceBypass: boolean }) => (r.forceBypass ? 'admin' : null),
} as const;

/** Who may call what: the table "Who may do what" of the gate's rules, method by method. */
const accessTable: AccessTable = {
  ArtifactService: {
    beginUploadArtifact: signedIn('release', 'everybody'),
    uploadArtifact: signedIn('release', 'everybody'),
    commitArtifact: signedIn('release', 'everybody'),
    getArtifactFiles: member('read', (r) => ({ kind: 'artifact', id: r.artifactId }), 'everybody'),
  },
  DestinationService: {
    createDestination: admin(organisation),
    updateDestination: admin(organisation),
    deleteDestination: admin(organisation),
    getDestinations: member('read', organisation, 'everybody'),
    listDestinationTypes: signedIn('read', 'everybody'),
  },
  EnvironmentService: {
    createEnvironment: admin(organisation),
    getEnvironment: member(
      'read',
      (r) =>
        r.identifier.case === 'lookup'
          ? { kind: 'organisation', name: r.identifier.value.organisation }
          : { kind: 'environment', id: r.identifier.value ?? '' },
      'everybody',
    ),
    listEnvironments: member('read', organisation, 'everybody'),
    updateEnvironment: admin(environment),
    deleteEnvironment: admin(environment),
  },
  // Load balancers and tools have no credentials, and neither tells anything of anybody.
  Health: { check: anybody, list: anybody, watch: anybody },
  IdentityService: {
    listIdentities: signedIn('read'),
    connectIdentity: signedIn('admin', 'logins'),
    disconnectIdentity: signedIn('admin', 'logins'),
  },
  OrganisationService: {
    createOrganisation: signedIn('admin'),
    getOrganisation: member(
      'read',
      (r) =>
        r.identifier.case === 'name'
          ? { kind: 'organisation', name: r.identifier.value }
          : { kind: 'organisationId', id: r.identifier.value ?? '' },
      'everybody',
    ),
    listMyOrganisations: signedIn('read'),
    addMember: admin(organisationId),
    removeMember: admin(organisationId),
    // Not of an admin alone: nobody is kept where they were added unasked.
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
    listPolicies: member('read', project, 'everybody'),
    evaluatePolicies: member('read', project, 'everybody'),
    // Who may vote how is decided vote by vote, in the order of the rules: domain/approval/ballot.ts.
    approveRelease: approval,
    rejectRelease: member('approve', project),
    getApprovalState: member('read', project, 'everybody'),
    externalApproveRelease: approval,
    externalRejectRelease: member('approve', project),
    getExternalApprovalState: member('read', project, 'everybody'),
    getReleaseRequirements: member('read', project, 'everybody'),
    getReleaseOptions: member('read', project, 'everybody'),
    listPendingApprovals: signedIn('read'),
    listHistory: member('read', projectIfNamed),
    verifyHistory: admin(organisation),
    // Whole, with addresses and everybody's sign-ins.
    exportHistory: admin(projectIfNamed),
  },
  ReleasePipelineService: {
    createReleasePipeline: admin(project),
    updateReleasePipeline: admin(project),
    deleteReleasePipeline: admin(project),
    listReleasePipelines: member('read', project, 'everybody'),
  },
  ReleaseService: {
    annotateRelease: member('release', project, 'everybody'),
    release: member('release', (r) => ({ kind: 'artifact', id: r.artifactId }), 'everybody'),
    waitRelease: member('read', intent, 'everybody'),
    getArtifactBySlug: member('read', (r) => ({ kind: 'slug', slug: r.slug }), 'everybody'),
    getArtifactsByProject: member('read', project, 'everybody'),
    getOrganisations: signedIn('read'),
    getProjects: member(
      'read',
      (r) => ({
        kind: 'organisation',
        name: r.query.case === 'organisation' ? r.query.value.organisation : '',
      }),
      'everybody',
    ),
    createProject: admin(organisation),
    getProject: member('read', named, 'everybody'),
    updateProject: admin(named),
    getDestinationStates: member('read', projectIfNamed, 'everybody'),
    getReleaseIntentStates: member('read', projectIfNamed, 'everybody'),
    // An author or an admin: the release's own rule, after the lock.
    cancelRelease: member('release', intent, 'everybody'),
    approvePlanStage: member('approve', intent),
    rejectPlanStage: member('approve', intent),
    getPlanOutput: member('read', intent, 'everybody'),
    // Authorized by the token that the destination was given for this one release.
    reportRelease: anybody,
  },
  ServerReflection: { serverReflectionInfo: anybody },
  ServiceAccountService: {
    listServiceAccounts: { ...admin(organisationId), token: 'read' },
    createServiceAccount: admin(organisationId, 'logins'),
    deleteServiceAccount: admin(organisationId, 'logins'),
    createServiceAccountToken: admin(organisationId, 'logins'),
    revokeServiceAccountToken: admin(organisationId, 'logins'),
  },
  SessionService: {
    signIn: anybody,
    signOut: anybody,
    getSession: anybody,
    // Authorized by the one-time token that the server printed.
    setUp: anybody,
    // From where somebody works is nothing for who finds a token.
    listSessions: signedIn('read', 'logins'),
    endSession: signedIn('admin', 'logins'),
    signOutEverywhere: signedIn('admin', 'logins'),
  },
  StatusService: { status: anybody },
  UsersService: {
    register: anybody,
    login: anybody,
    refreshToken: anybody,
    logout: anybody,
    getUser: signedIn('read'),
    listUsers: signedIn('read'),
    changePassword: signedIn('admin', 'logins'),
    createPersonalAccessToken: signedIn('admin', 'logins'),
    listPersonalAccessTokens: signedIn('read'),
    deletePersonalAccessToken: signedIn('admin', 'logins'),
    tokenInfo: signedIn('read', 'everybody'),
  },
};

/** The row of a method, found by its descriptor. */
export function accessRuleOf(method: DescMethod): AccessRule<unknown> {
  const rows: Readonly<Record<string, Readonly<Record<string, AccessRule<never>>>>> = accessTable;
  const rule = rows[method.parent.name]?.[method.localName];
  // Fail closed; the types make this unreachable for the services above.
  if (rule === undefined)
    throw new Error(`${method.parent.name}.${method.name} has no row in the access table`);
  return rule as AccessRule<unknown>;
}
