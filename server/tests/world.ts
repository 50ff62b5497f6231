import type { Client } from '@connectrpc/connect';
import { DestinationService } from '#server/gen/forest/v1/destinations_pb.ts';
import { EnvironmentService } from '#server/gen/forest/v1/environments_pb.ts';
import { OrganisationService } from '#server/gen/forest/v1/organisations_pb.ts';
import { PolicyService, PolicyType } from '#server/gen/forest/v1/policies_pb.ts';
import { ReleasePipelineService } from '#server/gen/forest/v1/release_pipelines_pb.ts';
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
}

/** A service account, as its token acts. */
export interface Pipeline extends Person {
  readonly tokenId: string;
}

let made = 0;
const PASSWORD = 'correct horse battery staple';

/** Clients that act by a bearer token. */
export const actingBy = (app: Pick<TestApp, 'client'>, token: string) => ({
  token,
  policies: app.client(PolicyService, { token }),
  releases: app.client(ReleaseService, { token }),
  pipelines: app.client(ReleasePipelineService, { token }),
  organisations: app.client(OrganisationService, { token }),
  environments: app.client(EnvironmentService, { token }),
  destinations: app.client(DestinationService, { token }),
  serviceAccounts: app.client(ServiceAccountService, { token }),
});

/** A registered user with clients that act for them. */
export async function person(app: Pick<TestApp, 'client'>, name: string): Promise<Person> {
  const username = `${name}-${++made}`;
  const users = app.client(UsersService, {});
  const answer = await users.register({ username, email: `${username}@example.com`, password: PASSWORD });
  const token = answer.tokens?.accessToken ?? '';
  return {
    userId: answer.user?.userId ?? '',
    username,
    ...actingBy(app, token),
  };
}

export interface World {
  readonly organisation: string;
  readonly organisationId: string;
  readonly project: { readonly organisation: string; readonly project: string };
  readonly author: Person;
  readonly reviewer: Person;
  readonly reviewerTwo: Person;
  readonly admin: Person;
  /** Annotates an artifact as the author; gives its id and slug. */
  artifact(branch?: string | null): Promise<{ artifactId: string; slug: string }>;
  /** Releases to environments as the author (or somebody else); gives the intent's id. */
  release(artifactId: string, environments: readonly string[], by?: Person): Promise<string>;
  approvalPolicy(required: number, environment?: string, name?: string): Promise<string>;
  /** A service account with a token, by default of both scopes. */
  serviceAccount(name: string, scopes?: readonly string[]): Promise<Pipeline>;
}

/** An organisation with staging (eu) and production (eu-west, us-east), of the type `forage/noop@1`, and four people. */
export async function world(app: Pick<TestApp, 'client'>): Promise<World> {
  const organisation = `org-${++made}`;
  const [admin, author, reviewer, reviewerTwo] = await Promise.all([
    person(app, 'admin'),
    person(app, 'author'),
    person(app, 'reviewer'),
    person(app, 'reviewer-two'),
  ]);
  const { organisationId } = await admin.organisations.createOrganisation({ name: organisation });
  for (const { userId } of [author, reviewer, reviewerTwo]) {
    await admin.organisations.addMember({ organisationId, userId, role: 'member' });
  }
  for (const [sortOrder, name] of ['staging', 'production'].entries()) {
    await admin.environments.createEnvironment({ organisation, name, sortOrder });
  }
  const type = { organisation: 'forage', name: 'noop', version: 1n };
  for (const [name, environment] of [
    ['eu', 'staging'],
    ['eu-west', 'production'],
    ['us-east', 'production'],
  ] as const) {
    await admin.destinations.createDestination({ organisation, name, environment, type, metadata: {} });
  }
  const project = { organisation, project: 'checkout' };
  await admin.releases.createProject(project);
  return {
    organisation,
    organisationId,
    project,
    author,
    reviewer,
    reviewerTwo,
    admin,
    async artifact(branch = 'main') {
      const { artifact } = await author.releases.annotateRelease({
        project,
        context: { title: `Change ${++made}` },
        ref: { commitSha: 'a'.repeat(40), ...(branch === null ? {} : { branch }) },
        source: { user: 'author' },
      });
      return { artifactId: artifact?.artifactId ?? '', slug: artifact?.slug ?? '' };
    },
    async release(artifactId, environments, by = author) {
      const { intents } = await by.releases.release({ artifactId, environments: [...environments] });
      return intents[0]?.releaseIntentId ?? '';
    },
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
