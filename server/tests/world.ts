import type { MessageInitShape } from '@bufbuild/protobuf';
import type { Client } from '@connectrpc/connect';
import { DestinationService } from '#server/gen/forest/v1/destinations_pb.ts';
import { EnvironmentService } from '#server/gen/forest/v1/environments_pb.ts';
import { OrganisationService } from '#server/gen/forest/v1/organisations_pb.ts';
import { PolicyService, PolicyType } from '#server/gen/forest/v1/policies_pb.ts';
import {
  type PipelineStageSchema,
  ReleasePipelineService,
} from '#server/gen/forest/v1/release_pipelines_pb.ts';
import { ReleaseIntentStatus, ReleaseService } from '#server/gen/forest/v1/releases_pb.ts';
import { ServiceAccountService } from '#server/gen/forest/v1/service_accounts_pb.ts';
import { UsersService } from '#server/gen/forest/v1/users_pb.ts';
import { eventually, type TestApp } from './harness.ts';

export interface Person {
  readonly userId: string;
  readonly username: string;
  readonly token: string;
  readonly policies: Client<typeof PolicyService>;
  readonly releases: Client<typeof ReleaseService>;
  readonly pipelines: Client<typeof ReleasePipelineService>;
  readonly organisations: Client<typeof OrganisationService>;
  readonly environments: Client<typeof EnvironmentService>;
  readonly destinations: Client<typeof DestinationService>;
  readonly serviceAccounts: Client<typeof ServiceAccountService>;
  readonly users: Client<typeof UsersService>;
}

/** A service account, with clients that use its token. */
export interface Pipeline extends Person {
  readonly tokenId: string;
}

/** The password of every user in a world. */
export const PASSWORD = 'correct horse battery staple';

let made = 0;
/** A name that no other test of this file uses. */
export const uniqueName = (name: string): string => `${name}-${++made}`;

/** Clients that use a bearer token. */
export const actingBy = (app: Pick<TestApp, 'client'>, token: string) => ({
  token,
  policies: app.client(PolicyService, { token }),
  releases: app.client(ReleaseService, { token }),
  pipelines: app.client(ReleasePipelineService, { token }),
  organisations: app.client(OrganisationService, { token }),
  environments: app.client(EnvironmentService, { token }),
  destinations: app.client(DestinationService, { token }),
  serviceAccounts: app.client(ServiceAccountService, { token }),
  users: app.client(UsersService, { token }),
});

/** A registered user, with clients. */
export async function person(app: Pick<TestApp, 'client'>, name = 'person') {
  const username = uniqueName(name);
  const email = `${username}@example.com`;
  const registered = await app.client(UsersService, {}).register({ username, email, password: PASSWORD });
  const { accessToken = '', refreshToken = '' } = registered.tokens ?? {};
  return {
    userId: registered.user?.userId ?? '',
    username,
    email,
    refreshToken,
    ...actingBy(app, accessToken),
  };
}

/** A personal access token of that user, with clients that use it. */
export async function personalToken(app: Pick<TestApp, 'client'>, owner: Person, scopes: string[]) {
  const { userId } = owner;
  const { token, rawToken } = await owner.users.createPersonalAccessToken({ userId, name: 'mine', scopes });
  return { ...actingBy(app, rawToken), tokenId: token?.tokenId ?? '' };
}

export type Stage = MessageInitShape<typeof PipelineStageSchema>;
/** What to release: environments, or the fields of a request. */
export type Target =
  | readonly string[]
  | {
      readonly environments?: string[];
      readonly destinations?: string[];
      readonly usePipeline?: boolean;
      readonly pipeline?: string;
      readonly force?: boolean;
      readonly prepareOnly?: boolean;
    };

export interface World {
  readonly organisation: string;
  readonly organisationId: string;
  readonly project: { readonly organisation: string; readonly project: string };
  readonly author: Person;
  readonly reviewer: Person;
  readonly reviewerTwo: Person;
  readonly admin: Person;
  /** Annotates an artifact as the author, by default of one commit for all. Returns its id and slug. */
  artifact(branch?: string | null, commitSha?: string): Promise<{ artifactId: string; slug: string }>;
  /** Releases as the author (or another user). Returns the intent's id. */
  release(artifactId: string, to: Target, by?: Person): Promise<string>;
  /** Releases a new artifact. */
  releaseNew(to: Target, by?: Person): Promise<string>;
  /** Creates a destination, by default of the type `forage/noop@1`. */
  destination(
    name: string,
    environment: string,
    metadata?: Record<string, string>,
    type?: 'noop' | 'webhook',
  ): Promise<unknown>;
  pipeline(name: string, ...stages: Stage[]): Promise<unknown>;
  setRole(who: Person, role: 'admin' | 'member'): Promise<unknown>;
  removeMember(who: Person): Promise<unknown>;
  addMember(who: Person, role?: 'admin' | 'member'): Promise<unknown>;
  approvalPolicy(required: number, environment?: string, name?: string): Promise<string>;
  /** A service account with a token, by default of both scopes. */
  serviceAccount(name: string, scopes?: readonly string[]): Promise<Pipeline>;
}

/** An organisation with staging (eu) and production (eu-west, us-east), of the type `forage/noop@1`, and four people. */
export async function world(app: Pick<TestApp, 'client'>): Promise<World> {
  const organisation = uniqueName('org');
  const [admin, author, reviewer, reviewerTwo] = await Promise.all([
    person(app, 'admin'),
    person(app, 'author'),
    person(app, 'reviewer'),
    person(app, 'reviewer-two'),
  ]);
  const { organisationId } = await admin.organisations.createOrganisation({ name: organisation });
  const project = { organisation, project: 'checkout' };
  const w: World = {
    organisation,
    organisationId,
    project,
    author,
    reviewer,
    reviewerTwo,
    admin,
    async artifact(branch = 'main', commitSha = 'a'.repeat(40)) {
      const { artifact } = await author.releases.annotateRelease({
        project,
        context: { title: `Change ${++made}` },
        ref: { commitSha, ...(branch === null ? {} : { branch }) },
      });
      return { artifactId: artifact?.artifactId ?? '', slug: artifact?.slug ?? '' };
    },
    async release(artifactId, to, by = author) {
      const how = 'length' in to ? { environments: [...to] } : to;
      const { intents } = await by.releases.release({ artifactId, ...how });
      return intents[0]?.releaseIntentId ?? '';
    },
    releaseNew: async (to, by) => w.release((await w.artifact()).artifactId, to, by),
    destination: (name, environment, metadata = {}, type = 'noop') =>
      admin.destinations.createDestination({
        organisation,
        name,
        environment,
        type: { organisation: 'forage', name: type, version: 1n },
        metadata,
      }),
    pipeline: (name, ...stages) => admin.pipelines.createReleasePipeline({ project, name, stages }),
    setRole: ({ userId }, role) => admin.organisations.updateMemberRole({ organisationId, userId, role }),
    removeMember: ({ userId }) => admin.organisations.removeMember({ organisationId, userId }),
    addMember: ({ userId }, role = 'member') =>
      admin.organisations.addMember({ organisationId, userId, role }),
    async serviceAccount(name, scopes = ['read', 'release']) {
      const { serviceAccount } = await admin.serviceAccounts.createServiceAccount({ organisationId, name });
      const { serviceAccountId = '', username = '' } = serviceAccount ?? {};
      const { token, rawToken } = await admin.serviceAccounts.createServiceAccountToken({
        organisationId,
        serviceAccountId,
        name: 'ci',
        scopes: [...scopes],
      });
      const tokenId = token?.tokenId ?? '';
      return { userId: serviceAccountId, username, tokenId, ...actingBy(app, rawToken) };
    },
    async approvalPolicy(required, environment = 'production', name = `approvals-${++made}`) {
      await admin.policies.createPolicy({
        project,
        name,
        policyType: PolicyType.EXTERNAL_APPROVAL,
        config: {
          case: 'approval',
          value: { targetEnvironment: environment, requiredApprovals: required },
        },
      });
      return name;
    },
  };
  for (const member of [author, reviewer, reviewerTwo]) await w.addMember(member);
  for (const [sortOrder, name] of ['staging', 'production'].entries()) {
    await admin.environments.createEnvironment({ organisation, name, sortOrder });
  }
  await w.destination('eu', 'staging');
  await w.destination('eu-west', 'production');
  await w.destination('us-east', 'production');
  await admin.releases.createProject(project);
  return w;
}

/** The state of one intent, as the author sees it. */
export async function stateOf(w: World, intentId: string) {
  const { releaseIntents } = await w.author.releases.getReleaseIntentStates({
    organisation: w.organisation,
    project: w.project.project,
    includeCompleted: true,
  });
  const state = releaseIntents.find((intent) => intent.releaseIntentId === intentId);
  if (state === undefined) throw new Error(`there is no release ${intentId}`);
  return state;
}

/** Waits until an intent has the status. */
export const ended = (
  w: World,
  intentId: string,
  status: ReleaseIntentStatus = ReleaseIntentStatus.SUCCEEDED,
) =>
  eventually(async () => {
    const state = await stateOf(w, intentId);
    return state.status === status && state;
  }, `release ${intentId} to reach status ${status}`);
