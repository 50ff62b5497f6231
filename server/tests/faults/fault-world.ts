import { type Answer, call } from './calls.ts';
import type { ServerSlot } from './server-slots.ts';

export const ORGANISATION = 'acme';
/** Nobody has to approve a release of the last one. */
export const PROJECTS = ['checkout', 'billing', 'search'] as const;
export const PRODUCTION = 'production';
export const STAGING = 'staging';
const PASSWORD = 'correct horse battery staple';
/** A call before the faults begin, on a busy machine. */
const SET_UP_MS = 30_000;
const MEMBERS = ['author', 'author-two', 'reviewer', 'reviewer-two', 'reviewer-three', 'reviewer-four'];

export interface User {
  readonly name: string;
  readonly id: string;
  readonly token: string;
  /** The role at the start. */
  readonly admin: boolean;
}

export interface FaultWorld {
  readonly organisationId: string;
  /** The first is an admin whose role never changes. */
  readonly users: readonly User[];
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '');
const field = (value: unknown, ...path: readonly string[]): unknown =>
  path.reduce<unknown>(
    (found, name) =>
      typeof found === 'object' && found !== null ? new Map(Object.entries(found)).get(name) : undefined,
    value,
  );
/** The text at a path of an answer; empty if it is missing. */
export const textIn = (answer: Answer, ...path: readonly string[]): string =>
  text(field(answer.body, ...path));

/** Creates an organisation with eight users, three projects, two environments of two destinations each, policies and pipelines. */
export async function createFaultWorld(server: ServerSlot, receiverUrl: string): Promise<FaultWorld> {
  const mustSucceed = async (method: string, token: string | null, body: object): Promise<Answer> => {
    const answer = await call(server, method, token, body, SET_UP_MS);
    if (answer.code !== 'ok') throw new Error(`${method} answered ${answer.code}: ${answer.message}`);
    return answer;
  };
  const names = ['admin', 'admin-two', ...MEMBERS];
  const email = (name: string) => `${name}@example.com`;
  await mustSucceed('SessionService/SetUp', null, {
    token: server.setUpToken(),
    organisation: ORGANISATION,
    username: 'admin',
    email: email('admin'),
    password: PASSWORD,
  });
  const users: User[] = [];
  for (const name of names) {
    if (name !== 'admin') {
      await mustSucceed('UsersService/Register', null, {
        username: name,
        email: email(name),
        password: PASSWORD,
      });
    }
    const login = await mustSucceed('UsersService/Login', null, { username: name, password: PASSWORD });
    const token = textIn(login, 'tokens', 'accessToken');
    users.push({ name, id: textIn(login, 'user', 'userId'), token, admin: name.startsWith('admin') });
  }
  const admin = users[0]?.token ?? '';
  const found = await mustSucceed('OrganisationService/GetOrganisation', admin, { name: ORGANISATION });
  const organisationId = textIn(found, 'organisation', 'organisationId');
  for (const { id, admin: isAdmin } of users.slice(1)) {
    const role = isAdmin ? 'admin' : 'member';
    await mustSucceed('OrganisationService/AddMember', admin, { organisationId, userId: id, role });
  }
  const secret = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
  const webhook = (seconds: number) => ({
    url: receiverUrl,
    secret,
    timeout_seconds: String(seconds),
    plans: 'true',
  });
  for (const [index, environment] of [STAGING, PRODUCTION].entries()) {
    const environmentBody = { organisation: ORGANISATION, name: environment, sortOrder: index };
    await mustSucceed('EnvironmentService/CreateEnvironment', admin, environmentBody);
    for (const [name, type, metadata] of [
      [`${environment}-eu`, 'webhook', webhook(60)],
      [`${environment}-us`, index === 0 ? 'noop' : 'webhook', index === 0 ? {} : webhook(10)],
    ] as const) {
      await mustSucceed('DestinationService/CreateDestination', admin, {
        organisation: ORGANISATION,
        environment,
        name,
        type: { organisation: 'forage', name: type, version: 1 },
        metadata,
        gracePeriodSeconds: 1,
      });
    }
  }
  for (const name of PROJECTS) {
    const project = { organisation: ORGANISATION, project: name };
    await mustSucceed('ReleaseService/CreateProject', admin, project);
    const policy = (policyName: string, config: object) =>
      mustSucceed('PolicyService/CreatePolicy', admin, { project, name: policyName, ...config });
    if (name !== 'search') await policy('approvals', approvalConfig(PRODUCTION, name === 'checkout' ? 2 : 1));
    if (name === 'search') await policy('soak', soakConfig(1));
    if (name === 'checkout') {
      await policy('soak', soakConfig(2));
      await policy('branch', branchConfig('^(main|release/.*)$'));
    }
    await mustSucceed('ReleasePipelineService/CreateReleasePipeline', admin, {
      project,
      name: 'to-production',
      stages: [
        { id: 'staging', deploy: { environment: STAGING } },
        { id: 'pause', dependsOn: ['staging'], wait: { durationSeconds: 1 } },
        { id: 'production', dependsOn: ['pause'], deploy: { environment: PRODUCTION } },
      ],
    });
    await mustSucceed('ReleasePipelineService/CreateReleasePipeline', admin, {
      project,
      name: 'planned',
      stages: [
        { id: 'plan', plan: { environment: PRODUCTION } },
        { id: 'staging', deploy: { environment: STAGING } },
        { id: 'production', dependsOn: ['plan', 'staging'], deploy: { environment: PRODUCTION } },
      ],
    });
  }
  return { organisationId, users };
}

export const approvalConfig = (environment: string, required: number) => ({
  policyType: 'POLICY_TYPE_EXTERNAL_APPROVAL',
  approval: { targetEnvironment: environment, requiredApprovals: required },
});
export const soakConfig = (seconds: number, newerBuildsCount = false) => ({
  policyType: 'POLICY_TYPE_SOAK_TIME',
  soakTime: {
    sourceEnvironment: STAGING,
    targetEnvironment: PRODUCTION,
    durationSeconds: seconds,
    newerBuildsCount,
  },
});
export const branchConfig = (pattern: string) => ({
  policyType: 'POLICY_TYPE_BRANCH_RESTRICTION',
  branchRestriction: { targetEnvironment: PRODUCTION, branchPattern: pattern },
});
