import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { createClient } from '@connectrpc/connect';
import { createConnectTransport } from '@connectrpc/connect-node';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { DestinationService } from '#server/gen/forest/v1/destinations_pb.ts';
import { EnvironmentService } from '#server/gen/forest/v1/environments_pb.ts';
import { OrganisationService } from '#server/gen/forest/v1/organisations_pb.ts';
import { PolicyService, PolicyType } from '#server/gen/forest/v1/policies_pb.ts';
import {
  PipelineRunStageStatus,
  ReleaseIntentStatus,
  ReleaseService,
} from '#server/gen/forest/v1/releases_pb.ts';
import { SessionService } from '#server/gen/forest/v1/sessions_pb.ts';
import { UsersService } from '#server/gen/forest/v1/users_pb.ts';
import { eventually } from './harness.ts';

/*
 * Real processes on the embedded database: what was acknowledged survives a kill -9, and a gate that should open opens
 * without anyone's help after the next start.
 */

const PASSWORD = 'correct horse battery staple';
const MAIN = join(import.meta.dirname, '../main.ts');

interface Server {
  readonly url: string;
  readonly setUpToken: string | null;
  readonly process: ChildProcess;
}

let folder: string;
let running: Server | null = null;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'forage-crash-'));
});
afterEach(async () => {
  if (running !== null) await end(running, 'SIGTERM');
  running = null;
  await rm(folder, { recursive: true, force: true });
});

async function start(): Promise<Server> {
  const child = spawn(process.execPath, [MAIN], {
    env: { ...process.env, PORT: '0', DATA_DIR: folder, FORAGE_REGISTRATION: 'open', LOG_LEVEL: 'silent' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let setUpToken: string | null = null;
  for await (const line of createInterface({ input: child.stdout })) {
    setUpToken = /set-up\?token=(\S+)/.exec(line)?.[1] ?? setUpToken;
    const url = /ready on (\S+)/.exec(line)?.[1];
    if (url === undefined) continue;
    running = { url, setUpToken, process: child };
    return running;
  }
  throw new Error('the server ended before it was ready');
}

async function end(server: Server, signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
  if (server.process.exitCode !== null || server.process.signalCode !== null) return;
  const exited = once(server.process, 'exit');
  server.process.kill(signal);
  await exited;
}

const clients = (url: string, token: string | undefined) => {
  const transport = createConnectTransport({
    baseUrl: url,
    httpVersion: '1.1',
    interceptors: [
      (next) => (request) => {
        if (token !== undefined) request.header.set('authorization', `Bearer ${token}`);
        return next(request);
      },
    ],
  });
  return {
    sessions: createClient(SessionService, transport),
    users: createClient(UsersService, transport),
    organisations: createClient(OrganisationService, transport),
    environments: createClient(EnvironmentService, transport),
    destinations: createClient(DestinationService, transport),
    policies: createClient(PolicyService, transport),
    releases: createClient(ReleaseService, transport),
  };
};

const project = { organisation: 'acme', project: 'checkout' };
const login = async (url: string, username: string) => {
  const { users } = clients(url, undefined);
  const { tokens } = await users.login({
    identifier: { case: 'username', value: username },
    password: PASSWORD,
  });
  return clients(url, tokens?.accessToken);
};

/** An empty server brought to where a release by `admin` waits for the vote of `reviewer`. */
async function gatedRelease(server: Server, seconds: string): Promise<string> {
  const anyone = clients(server.url, undefined);
  await anyone.sessions.setUp({
    token: server.setUpToken ?? '',
    organisation: 'acme',
    username: 'admin',
    email: 'admin@example.com',
    password: PASSWORD,
  });
  const reviewer = await anyone.users.register({
    username: 'reviewer',
    email: 'reviewer@example.com',
    password: PASSWORD,
  });
  const admin = await login(server.url, 'admin');
  const { organisation } = await admin.organisations.getOrganisation({
    identifier: { case: 'name', value: 'acme' },
  });
  const { organisationId = '' } = organisation ?? {};
  await admin.organisations.addMember({ organisationId, userId: reviewer.user?.userId, role: 'member' });
  await admin.environments.createEnvironment({ organisation: 'acme', name: 'production' });
  await admin.destinations.createDestination({
    organisation: 'acme',
    environment: 'production',
    name: 'eu-west',
    type: { organisation: 'forage', name: 'noop', version: 1n },
    metadata: { seconds },
  });
  await admin.releases.createProject(project);
  const value = { targetEnvironment: 'production', requiredApprovals: 1 };
  await admin.policies.createPolicy({
    project,
    name: 'approvals',
    policyType: PolicyType.EXTERNAL_APPROVAL,
    config: { case: 'approval', value },
  });
  const { artifact } = await admin.releases.annotateRelease({
    project,
    context: { title: 'A change' },
    ref: { commitSha: 'a'.repeat(40), branch: 'main' },
  });
  const { intents } = await admin.releases.release({
    artifactId: artifact?.artifactId,
    environments: ['production'],
  });
  const intentId = intents[0]?.releaseIntentId ?? '';
  await eventually(async () => {
    const state = await stateOf(server, intentId);
    return state?.stages[0]?.status === PipelineRunStageStatus.AWAITING_APPROVAL;
  }, 'the stage to wait');
  return intentId;
}

async function stateOf(server: Server, intentId: string) {
  const { releases } = await login(server.url, 'admin');
  const { releaseIntents } = await releases.getReleaseIntentStates({
    organisation: 'acme',
    includeCompleted: true,
  });
  return releaseIntents.find((intent) => intent.releaseIntentId === intentId);
}

const succeeded = (server: Server, intentId: string) =>
  eventually(async () => {
    const state = await stateOf(server, intentId);
    return state?.status === ReleaseIntentStatus.SUCCEEDED && state;
  }, 'the release to succeed after the restart');

test('a vote that was acknowledged right before a kill -9 opens the gate after the restart', async () => {
  const before = await start();
  const intentId = await gatedRelease(before, '0');
  const reviewer = await login(before.url, 'reviewer');
  const vote = { project, releaseIntentId: intentId, targetEnvironment: 'production', comment: 'go' };
  const { state } = await reviewer.policies.approveRelease(vote);
  before.process.kill('SIGKILL');
  expect(state?.currentApprovals).toBe(1);
  await once(before.process, 'exit');

  const after = await start();
  const done = await succeeded(after, intentId);
  expect(done.steps).toHaveLength(1);
  const { entries } = await (await login(after.url, 'reviewer')).policies.listHistory({
    organisation: 'acme',
    releaseIntentId: intentId,
  });
  expect(entries.filter((entry) => entry.kind === 'approval.approved')).toHaveLength(1);
});

test('a delivery that a kill -9 cut off is taken up again: the same release, deployed to once', async () => {
  const before = await start();
  const intentId = await gatedRelease(before, '3');
  const reviewer = await login(before.url, 'reviewer');
  await reviewer.policies.approveRelease({
    project,
    releaseIntentId: intentId,
    targetEnvironment: 'production',
  });
  const running = await eventually(async () => {
    const state = await stateOf(before, intentId);
    return state?.steps[0]?.status === 'RUNNING' && state.steps[0];
  }, 'the delivery to run');
  await end(before, 'SIGKILL');

  const done = await succeeded(await start(), intentId);
  expect(done.steps.map((step) => step.releaseId)).toEqual([running.releaseId]);
});
