import { NIL } from 'uuid';
import { type Ballot, type BallotFacts, checkBallot } from '#domain/approval/ballot.ts';
import { withVote } from '#domain/approval/effect.ts';
import { type ApprovalTally, tallyVotes } from '#domain/approval/tally.ts';
import { type Standing, type Vote, votingRole } from '#domain/approval/vote.ts';
import type { Stage, StageStatus } from '#domain/release/stage.ts';
import type { AppContext } from '#server/context.ts';
import { Failure, notFound } from '#server/failure.ts';
import type { Caller } from '#server/features/access/service.ts';
import { authorIds, type IntentFacts, policyOf } from '#server/features/gate/facts.ts';
import { advanceIntent, loadIntentFacts, lockIntentFactsFor } from '#server/features/gate/service.ts';
import { record } from '#server/features/history/service.ts';
import type { ProjectScope } from '#server/rpc/access.ts';
import { nextPageToken, type Page } from '#server/rpc/page.ts';
import { subjects } from '#server/signals/bus.ts';
import { sawOf } from './saw.ts';
import { castVote, type PendingRow, pendingApprovals } from './store.ts';

export interface VoteRequest extends Ballot {
  readonly releaseIntentId: string;
  readonly environment: string;
}

/** Stages on which a vote can still do something. */
export const NOT_STARTED: ReadonlySet<StageStatus> = new Set(['PENDING', 'AWAITING_APPROVAL']);

/** The deploy stage that a vote on the environment is about: the first that has not started, else the last. */
function stageFor(facts: IntentFacts, environment: string): Stage | undefined {
  const aimed = facts.stages.filter((s) => s.kind.type === 'deploy' && s.kind.environment === environment);
  return aimed.find((stage) => NOT_STARTED.has(stage.status)) ?? aimed.at(-1);
}

const approvalPolicies = (facts: IntentFacts, environment: string) =>
  facts.policies.filter((p) => p.targetEnvironment === environment && p.config.type === 'approval');

/** What decides whether a ballot of the user on the environment is taken. */
export function ballotFacts(
  facts: IntentFacts,
  environment: string,
  userId: string,
  role: Standing,
): BallotFacts {
  const stage = stageFor(facts, environment);
  return {
    environment,
    hasDeployStage: stage !== undefined,
    hasApprovalPolicy: approvalPolicies(facts, environment).length > 0,
    stageStatus: stage?.status ?? null,
    intentStatus: facts.intent.status,
    role,
    isAuthor: facts.authors.has(userId),
  };
}

/**
 * The tally that a caller is shown for an environment: of several approval policies the one that asks for most, as its
 * votes satisfy the others too. Null when no enabled approval policy aims there.
 */
function tallyOf(facts: IntentFacts, environment: string, votes: readonly Vote[]): ApprovalTally | null {
  const required = approvalPolicies(facts, environment).map(({ config }) =>
    config.type === 'approval' ? config.requiredApprovals : 0,
  );
  return required.length === 0 ? null : tallyVotes(votes, Math.max(...required));
}

/** Facts of an intent of the project; of every other it is not_found. */
async function factsInProject(
  load: Promise<IntentFacts | null>,
  scope: ProjectScope,
  releaseIntentId: string,
): Promise<IntentFacts> {
  const facts = await load;
  if (facts === null || facts.intent.projectId !== scope.projectId)
    throw notFound(`release ${releaseIntentId}`);
  return facts;
}

/**
 * Takes a vote: rows 4 to 10 of the rules' table of decisions, then the vote, its history entry and the wake-up in one
 * transaction. The same vote again changes nothing and succeeds.
 * @returns the state after the vote.
 * @throws Failure as the table says.
 */
export async function vote(
  app: AppContext,
  caller: Caller,
  scope: ProjectScope,
  request: VoteRequest,
): Promise<ApprovalTally> {
  const { environment, releaseIntentId } = request;
  return app.db.transaction(async (tx) => {
    const locked = await lockIntentFactsFor(tx, releaseIntentId, caller, app.clock.now());
    if (locked === null || locked.facts.intent.projectId !== scope.projectId)
      throw notFound(`release ${releaseIntentId}`);
    const { facts, role } = locked;
    if (role === null) throw notFound(`project "${scope.organisation}/${scope.project}"`);

    const refusal = checkBallot(request, ballotFacts(facts, environment, caller.userId, role));
    if (refusal !== null) {
      const fields = refusal.field === undefined ? [] : [{ field: refusal.field, message: refusal.message }];
      throw new Failure(refusal.code, refusal.message, { fields });
    }

    const earlier = facts.votes.get(environment) ?? [];
    const mine = earlier.find((v) => v.userId === caller.userId) ?? null;
    const now = app.clock.now();
    const current: Vote = {
      userId: caller.userId,
      username: caller.username,
      decision: request.kind === 'approve' ? 'approved' : 'rejected',
      bypass: request.bypass,
      comment: request.comment === '' ? null : request.comment,
      decidedAt: now,
      role: votingRole(role),
      isAuthor: facts.authors.has(caller.userId),
    };
    if (mine === null || !sameVote(mine, current)) {
      const policyId = approvalPolicies(facts, environment)[0]?.id ?? null;
      const { username, decision, bypass, comment } = current;
      const row = [environment, caller.userId, username, decision, bypass, comment, now] as const;
      tx.send(castVote, [app.newId(), releaseIntentId, policyId, ...row]);
      const onEnvironment = withVote(earlier, current);
      await record(tx, app, {
        organisationId: scope.organisationId,
        projectId: scope.projectId,
        releaseIntentId,
        kind: bypass ? 'approval.bypassed' : `approval.${decision}`,
        actor: caller,
        subject: `${environment} for ${facts.intent.slug}`,
        before: mine && said(mine, environment),
        after: { ...said(current, environment), saw: sawOf(facts, environment, onEnvironment, now) },
      });
      // The lock is held and the facts are at hand: the gate is judged in this transaction, which leaves nothing to wake.
      const votes = new Map(facts.votes).set(environment, onEnvironment);
      const { nextCheckAt } = await advanceIntent(tx, app, { ...facts, votes });
      tx.afterCommit(() => {
        app.bus.publish(subjects.releaseStatus(releaseIntentId), releaseIntentId);
        // The coordinator keeps the clock: it is told that time alone will change something.
        if (nextCheckAt !== null) app.bus.publish(subjects.intentEvaluate, releaseIntentId);
      });
    }
    const kept = mine !== null && sameVote(mine, current) ? mine : current;
    const tally = tallyOf(facts, environment, withVote(earlier, kept));
    if (tally === null) throw notFound(`approval policy for ${environment}`);
    return tally;
  });
}

const sameVote = (a: Vote, b: Vote): boolean =>
  a.decision === b.decision && a.bypass === b.bypass && a.comment === b.comment;

const said = ({ decision, bypass, comment }: Vote, environment: string) => ({
  environment,
  decision,
  bypass,
  comment,
});

/** The approval state of an environment. Without an enabled approval policy there it is not_found. */
export async function approvalState(
  app: AppContext,
  scope: ProjectScope,
  releaseIntentId: string,
  environment: string,
): Promise<ApprovalTally> {
  const facts = await factsInProject(loadIntentFacts(app.db, releaseIntentId), scope, releaseIntentId);
  if (stageFor(facts, environment) === undefined) {
    throw new Failure('failed_precondition', `This release does not deploy to ${environment}.`);
  }
  const tally = tallyOf(facts, environment, facts.votes.get(environment) ?? []);
  if (tally === null) throw new Failure('not_found', `There is no approval policy for ${environment}.`);
  return tally;
}

export interface PendingApproval {
  readonly row: PendingRow;
  readonly required: number;
  readonly current: number;
}

/** The key of the first page: nothing waits since then. */
const BEFORE_ALL = '1970-01-01T00:00:00.000Z';

/** What waits for the caller's own vote, over all of their organisations, oldest first. */
export async function listPendingApprovals(
  app: AppContext,
  caller: Caller,
  page: Page,
): Promise<{ approvals: PendingApproval[]; nextPageToken: string }> {
  const [since = BEFORE_ALL, intentId = NIL, stageId = ''] = page.after ?? [];
  const found = await app.db.run(pendingApprovals, [
    caller.userId,
    new Date(since),
    intentId,
    stageId,
    page.limit + 1,
  ]);
  const { rows, nextPageToken: next } = nextPageToken(found, page.limit, (row) => [
    row.waitingSince.toISOString(),
    row.releaseIntentId,
    row.stageId,
  ]);
  return { approvals: rows.map(counted), nextPageToken: next };
}

function counted(row: PendingRow): PendingApproval {
  const authors = authorIds(row);
  const votes = row.votes.map((v) => ({
    ...v,
    decidedAt: new Date(v.decidedAt),
    isAuthor: authors.has(v.userId),
  }));
  const required = row.policies
    .map(policyOf)
    .map(({ config }) => (config.type === 'approval' ? config.requiredApprovals : 0));
  const tally = tallyVotes(votes, Math.max(1, ...required));
  return { row, required: tally.required, current: tally.current };
}
