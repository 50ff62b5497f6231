import { randomUUID } from 'node:crypto';
import { castVote } from '#server/features/approvals/store.ts';
import { intentFactsForCaller, lockIntent } from '#server/features/gate/store.ts';
import { appendHistory } from '#server/features/history/store.ts';
import { type ApprovalsWorld, makeWorld, type Voter } from './approvals-world.ts';
import { type Figure, median } from './figure.ts';
import { begin, commit, type HttpLane, type PlainLane, type Result, step } from './load.ts';
import { type Place, withPlace } from './place.ts';
import { postRequest } from './requests.ts';

const connections = 10;
const roundSeconds = 4;
const rounds = 3;

/** ApproveRelease as a client calls it. Another comment each time: the same vote again would change nothing. */
export const served = (
  url: string,
  { project }: ApprovalsWorld,
  { releaseIntentId, token }: Voter,
): HttpLane => ({
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

/** The transaction of ApproveRelease with nothing around it: the server's own statements, each in its round trip. */
export function plain(
  { database }: Place,
  { organisationId, projectId, policyId }: ApprovalsWorld,
  { releaseIntentId, userId, username }: Voter,
): PlainLane {
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
  const said = { environment: 'production', decision: 'approved', bypass: false, comment: 'vote {turn}' };
  // As the server hands its entries over: the hash of the content is there, the database links it to the chain.
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
    before: said,
    after: { ...said, saw },
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
      step(castVote, ['{uuid}', releaseIntentId, policyId, ...vote]),
      step(appendHistory, [JSON.stringify([entry])]),
      commit,
    ],
  };
}

/**
 * `ApproveRelease`, one after another from 10 connections, beside plain `pg` doing the same transaction on the same
 * database; in turns, so that a noisy moment meets both.
 */
export async function approvals(): Promise<Figure[]> {
  return withPlace(async (place) => {
    const { server, load, database } = place;
    const world = await makeWorld(server.url, server.setUpToken ?? '', database, connections);
    const [ours, bare]: [Result[], Result[]] = [[], []];
    for (let round = 0; round <= rounds; round++) {
      const plainLanes = world.voters.map((voter) => plain(place, world, voter));
      const bareResult = await load.run({ seconds: roundSeconds, lanes: plainLanes });
      const lanes = world.voters.map((voter) => served(server.url, world, voter));
      const ourResult = await load.run({ seconds: roundSeconds, lanes });
      // The first round warms both up.
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
        limit: `at least 0.45 of plain pg's ${middle(bare, 'rate').toFixed(0)}/s (it is ${rates.toFixed(2)})`,
        reached: rates >= 0.45,
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
