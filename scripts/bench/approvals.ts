import { randomUUID } from 'node:crypto';
import { findRequirements, storeVote } from '#server/features/approvals/store.ts';
import { intentFactsForCaller, lockIntent } from '#server/features/gate/store.ts';
import { appendHistory } from '#server/features/history/store.ts';
import { type ApprovalsWorld, makeWorld, type Voter } from './approvals-world.ts';
import { type Figure, median } from './figure.ts';
import { begin, commit, type HttpClient, type PlainClient, type Result, step } from './load.ts';
import { postRequest } from './requests.ts';
import { type Testbed, withTestbed } from './testbed.ts';

const connections = 10;
const roundSeconds = 4;
const rounds = 3;

/** ApproveRelease as a client calls it. The comment differs each time, because repeating a vote changes nothing. */
export const served = (
  url: string,
  { project }: ApprovalsWorld,
  { releaseIntentId, token }: Voter,
): HttpClient => ({
  kind: 'http',
  url,
  status: 200,
  request: postRequest(url, 'PolicyService/ApproveRelease', token, {
    project,
    releaseIntentId,
    targetEnvironment: 'production',
    comment: 'vote {turn}',
  }),
});

/** The transaction of ApproveRelease alone: the server's own statements, one round trip each. */
export function plain(
  { database }: Testbed,
  { organisationId, projectId, policyId }: ApprovalsWorld,
  { releaseIntentId, userId, username }: Voter,
): PlainClient {
  const verdict = { passed: false, reason: 'awaiting approval: 1/100' };
  const saw = {
    artifact: { id: randomUUID(), slug: 'a-release', commit: 'a'.repeat(40), branch: 'main', version: null },
    authors: [username],
    policies: [
      {
        name: 'four-eyes',
        config: { type: 'approval', targetEnvironment: 'production', requiredApprovals: 100 },
        before: verdict,
        after: verdict,
      },
    ],
    approvals: { before: 1, after: 1 },
  };
  const decision = { environment: 'production', decision: 'approved', bypass: false, comment: 'vote {turn}' };
  // As the server sends it: with the hash of its content; the database links it to the chain.
  const entry = {
    organisation_id: organisationId,
    project_id: projectId,
    release_intent_id: releaseIntentId,
    at: new Date().toISOString(),
    kind: 'approval.approved',
    actor_id: userId,
    actor_username: username,
    credential_id: randomUUID(),
    credential_kind: 'access',
    address: '127.0.0.1',
    request_id: randomUUID(),
    subject: 'production for a-release',
    before: decision,
    after: { ...decision, saw },
    content_hash: '00'.repeat(32),
  };
  const vote = ['production', userId, username, 'approved', false, 'vote {turn}', '{now}'];
  return {
    kind: 'plain',
    database,
    steps: [
      begin,
      step(lockIntent, [releaseIntentId]),
      step(intentFactsForCaller, [releaseIntentId, userId, '{uuid}', '{now}']),
      step(storeVote, ['{uuid}', releaseIntentId, policyId, ...vote]),
      step(findRequirements, [releaseIntentId, projectId]),
      step(appendHistory, [JSON.stringify([entry])]),
      commit,
    ],
  };
}

/**
 * `ApproveRelease` from 10 connections, against plain `pg` running the same transaction on the same database. The two
 * alternate, so that other load on the machine affects both.
 */
export async function approvals(): Promise<Figure[]> {
  return withTestbed(async (testbed) => {
    const { server, load, database } = testbed;
    const world = await makeWorld(server.url, server.setUpToken ?? '', database, connections);
    const [ours, bare]: [Result[], Result[]] = [[], []];
    for (let round = 0; round <= rounds; round++) {
      const plainClients = world.voters.map((voter) => plain(testbed, world, voter));
      const bareResult = await load.run({ seconds: roundSeconds, clients: plainClients });
      const clients = world.voters.map((voter) => served(server.url, world, voter));
      const ourResult = await load.run({ seconds: roundSeconds, clients });
      // The first round only warms up.
      if (round === 0) continue;
      bare.push(bareResult);
      ours.push(ourResult);
    }
    const middle = (results: Result[], pick: keyof Result) => median(results.map((one) => one[pick]));
    const rates = middle(ours, 'rate') / middle(bare, 'rate');
    const slowest = middle(ours, 'p99') / middle(bare, 'p99');
    return [
      {
        name: `ApproveRelease from ${connections} connections`,
        measured: `${middle(ours, 'rate').toFixed(0)}/s`,
        limit: `at least 0.55 of plain pg's ${middle(bare, 'rate').toFixed(0)}/s (it is ${rates.toFixed(2)})`,
        reached: rates >= 0.55,
      },
      {
        name: `ApproveRelease from ${connections} connections, p99`,
        measured: `${middle(ours, 'p99').toFixed(1)} ms`,
        limit: `at most 5 × plain pg's ${middle(bare, 'p99').toFixed(1)} ms (it is ${slowest.toFixed(2)})`,
        reached: slowest <= 5,
      },
    ];
  });
}
