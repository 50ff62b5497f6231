import { NIL } from 'uuid';
import {
  approvalPolicies,
  type Ballot,
  type BallotFacts,
  type BallotRefusal,
  ballotFacts,
  checkBallot,
  checkVotedEnvironment,
  checkWithdrawal,
  environmentTally,
  isOpenToVotes,
} from '#domain/approval/ballot.ts';
import { changeSentence, type DestinationChange } from '#domain/approval/destination-changes.ts';
import {
  type EnvironmentRequirements,
  releaseRequirements,
  requirementsChangeAt,
  type Viewer,
} from '#domain/approval/requirements.ts';
import { type ApprovalTally, tallyVotes } from '#domain/approval/tally.ts';
import { type CallerRole, NOW_MOMENT, type Vote, votingRole } from '#domain/approval/vote.ts';
import { checkRetry, type ReleaseRefusal } from '#domain/release/caller-rules.ts';
import { type Direction, directionOf, isUncertain } from '#domain/release/place.ts';
import type { Stage } from '#domain/release/stage.ts';
import type { AppContext } from '#server/context.ts';
import type { Executor } from '#server/db/database.ts';
import { Failure, notFound } from '#server/failure.ts';
import type { Caller } from '#server/features/access/service.ts';
import { prepareMatches } from '#server/features/gate/branch-pattern.ts';
import {
  authorIds,
  changesByEnvironment,
  factsOf,
  type IntentFacts,
  type KnownPlace,
  placesByEnvironment,
  policyFactsOf,
  policyOf,
  subjectOf,
  targetPlaces,
  votesByEnvironment,
} from '#server/features/gate/facts.ts';
import type { LiveJson } from '#server/features/gate/rows.ts';
import { advanceIntent, loadIntentFacts, lockForCaller } from '#server/features/gate/service.ts';
import { surroundingsOf } from '#server/features/gate/surroundings.ts';
import { record } from '#server/features/history/service.ts';
import type { DestinationStateRow } from '#server/features/releases/rows.ts';
import type { IntentState } from '#server/features/releases/service.ts';
import { type StageOutlooks, stageOutlooks } from '#server/features/releases/stage-outlook.ts';
import { subjects } from '#server/signals/bus.ts';
import { nextPageToken, type Page } from '#server/wire/pages.ts';
import type { ProjectScope } from '#server/wire/scopes.ts';
import { snapshotOf } from './snapshot.ts';
import * as store from './store.ts';

export interface VoteRequest extends Ballot, VotedEnvironment {}

/** The requirements of an environment, with what is live there. */
export interface PlacedRequirements extends EnvironmentRequirements {
  /** The different live builds, the newest first. */
  readonly live: readonly LiveJson[];
  /** When the gate opened, if the verdicts are those of then. */
  readonly openedAt: Date | null;
  /** Since the first of the votes. */
  readonly changes: readonly ToldChange[];
}

/** What was done to a destination, in words too. */
export interface ToldChange extends DestinationChange {
  readonly sentence: string;
}

/** The most changes that an answer tells of. */
const MAX_TOLD = 100;

const toldChanges = (
  changes: readonly DestinationChange[] = [],
  votes: readonly Vote[] = [],
): readonly ToldChange[] =>
  changes.slice(-MAX_TOLD).map((change) => ({ ...change, sentence: changeSentence(change, votes) }));

export interface Requirements {
  readonly viewer: Viewer;
  readonly facts: IntentFacts;
  readonly environments: readonly PlacedRequirements[];
  /** Why the viewer cannot retry a stage, by the stage's id; null when they can. */
  readonly retryRefusals: ReadonlyMap<string, ReleaseRefusal | null>;
  readonly intent: store.RequirementsRow;
  readonly outlooks: StageOutlooks;
  readonly destinations: readonly DestinationStateRow[];
  /** The change numbers: while they are equal, and until `changesAt`, the viewer's requirements do not change. */
  readonly numbers: string;
  /** Null when time alone changes nothing. */
  readonly changesAt: Date | null;
}

/**
 * Casts a vote: checks rows 4 to 10 of the table of decisions, stores the vote and its history entry, and advances the intent, in one
 * transaction. Repeating a vote succeeds and changes nothing.
 * @returns the tally and the requirements after the vote, read in its transaction.
 * @throws Failure with the code and message of the table.
 */
export function castVote(
  app: AppContext,
  caller: Caller,
  scope: ProjectScope,
  request: VoteRequest,
): Promise<VoteResult> {
  return changeVote(app, caller, scope, request, ({ facts, role, own, mine }, now) => {
    requireAccepted(checkBallot(request, own));
    const { userId, username } = caller;
    const decision = request.kind === 'approve' ? 'approved' : 'rejected';
    const comment = request.comment === '' ? null : request.comment;
    const { bypass } = request;
    const counts = { role: votingRole(role), isAuthor: facts.authors.has(userId) };
    const given = { decidedAt: now, moment: NOW_MOMENT, outdated: null };
    const vote: Vote = { userId, username, decision, bypass, comment, ...given, ...counts };
    return mine !== null && mine.outdated === null && isSameVote(mine, vote) ? mine : vote;
  });
}

/**
 * Takes back the caller's vote or bypass on an environment.
 * @returns the tally and the requirements after it.
 * @throws Failure with the code and message of the table of decisions; failed_precondition when there is no vote.
 */
export const withdrawVote = (
  app: AppContext,
  caller: Caller,
  scope: ProjectScope,
  request: VotedEnvironment,
): Promise<VoteResult> =>
  changeVote(app, caller, scope, request, ({ own, mine }) => {
    requireAccepted(checkWithdrawal(mine !== null, own));
    return null;
  });

interface VotedEnvironment {
  readonly releaseIntentId: string;
  readonly environment: string;
}

interface VoteResult {
  readonly tally: ApprovalTally;
  readonly requirements: Requirements;
}

/** What a vote is judged on; `own` is what decides whether the caller's is accepted, `mine` their present one. */
interface VoteFacts {
  readonly facts: IntentFacts;
  readonly role: CallerRole;
  readonly own: BallotFacts;
  readonly mine: Vote | null;
}

function requireAccepted(refusal: BallotRefusal | null): void {
  if (refusal === null) return;
  const { code, message, field } = refusal;
  throw new Failure(code, message, { fields: field === undefined ? [] : [{ field, message }] });
}

/** Replaces the caller's vote by what `judge` gives: another vote, the same one, or null for none. */
function changeVote(
  app: AppContext,
  caller: Caller,
  scope: ProjectScope,
  { environment, releaseIntentId }: VotedEnvironment,
  judge: (found: VoteFacts, now: Date) => Vote | null,
): Promise<VoteResult> {
  const { userId, username } = caller;
  return app.db.transaction(async (tx) => {
    const now = app.clock.now();
    const { facts, role } = await lockForCaller(tx, now, caller, scope, releaseIntentId);
    const earlier = facts.votes.get(environment) ?? [];
    const mine = earlier.find((vote) => vote.userId === userId) ?? null;
    const own = ballotFacts(facts, environment, userId, role);
    const vote = judge({ facts, role, own, mine }, now);
    const others = earlier.filter((one) => one !== mine);
    const votes = vote === mine ? earlier : vote === null ? others : [...others, vote];
    if (vote !== mine) {
      if (vote === null) {
        await tx.run(store.deleteVote, [releaseIntentId, environment, userId]);
      } else {
        const policyId = approvalPolicies(facts, environment)[0]?.id ?? null;
        const { decision, bypass, comment } = vote;
        const columns = [environment, userId, username, decision, bypass, comment, now] as const;
        await tx.run(store.storeVote, [app.newId(), releaseIntentId, policyId, ...columns]);
      }
      await record(tx, app, {
        organisationId: scope.organisationId,
        projectId: scope.projectId,
        releaseIntentId,
        kind: `approval.${vote === null ? 'withdrawn' : vote.bypass ? 'bypassed' : vote.decision}`,
        actor: caller,
        subject: `${environment} for ${facts.intent.slug}`,
        before: mine && ballotSummary(mine, environment),
        after: {
          ...(vote && ballotSummary(vote, environment)),
          saw: snapshotOf(facts, environment, votes, now),
        },
      });
      // The lock is held and the facts are loaded, so the gate is evaluated here instead of waking the coordinator.
      const changed = { ...facts, votes: new Map(facts.votes).set(environment, votes) };
      const { nextCheckAt } = await advanceIntent(tx, app, changed);
      tx.afterCommit(() => {
        app.bus.publish(subjects.releaseStatus(releaseIntentId), releaseIntentId);
        // The coordinator sets the timer for what time alone will change.
        if (nextCheckAt !== null) app.bus.publish(subjects.intentEvaluate, releaseIntentId);
      });
    }
    const tally = environmentTally(facts, environment, votes);
    if (tally === null) throw notFound(`Approval policy for ${environment}`);
    const viewer = { userId, username, role };
    return { tally, requirements: await loadRequirements(tx, viewer, scope.projectId, releaseIntentId, now) };
  });
}

const isSameVote = (a: Vote, b: Vote): boolean =>
  a.decision === b.decision && a.bypass === b.bypass && a.comment === b.comment;

const ballotSummary = ({ decision, bypass, comment }: Vote, environment: string) => ({
  environment,
  decision,
  bypass,
  comment,
});

/**
 * The tally of the votes on an environment.
 * @throws Failure not_found without an enabled approval policy there; failed_precondition without a deploy stage for it.
 */
export async function getApprovalState(
  app: AppContext,
  caller: Caller,
  scope: ProjectScope,
  releaseIntentId: string,
  environment: string,
): Promise<ApprovalTally> {
  const facts = await loadIntentFacts(app.db, releaseIntentId);
  if (facts?.intent.projectId !== scope.projectId) throw notFound(`Release ${releaseIntentId}`);
  const refusal = checkVotedEnvironment(ballotFacts(facts, environment, caller.userId, scope.role));
  const tally = environmentTally(facts, environment, facts.votes.get(environment) ?? []);
  if (refusal !== null) throw new Failure(refusal.code, refusal.message);
  if (tally === null) throw notFound(`Approval policy for ${environment}`);
  return tally;
}

/**
 * The requirements of a release, as its page shows them: what every deploy stage still requires, who can supply it, what the caller
 * may do, and the state of stages and destinations.
 * @param kept the release's row, where the caller knows that its change numbers are the present ones.
 * @throws Failure not_found for a release that is not in the project.
 */
export const getRequirements = (
  app: AppContext,
  { userId, username }: Caller,
  { projectId, role }: ProjectScope,
  releaseIntentId: string,
  kept?: store.RequirementsRow,
): Promise<Requirements> =>
  loadRequirements(app.db, { userId, username, role }, projectId, releaseIntentId, app.clock.now(), kept);

async function loadRequirements(
  executor: Executor,
  viewer: Viewer,
  projectId: string,
  releaseIntentId: string,
  now: Date,
  kept?: store.RequirementsRow,
): Promise<Requirements> {
  const row = kept ?? (await executor.run(store.findRequirements, [releaseIntentId, projectId]))[0];
  if (row === undefined) throw notFound(`Release ${releaseIntentId}`);
  const facts = factsOf(row);
  // A transaction does not wait for what only warns.
  await prepareMatches(facts.policies, row.branch, 'afterCommit' in executor ? [] : row.branches);
  const factsAt = (environment: string) => ({
    ...policyFactsOf(facts, environment, now),
    direction: directionOf(targetPlaces(facts, environment), subjectOf(facts).build, now),
  });
  const environments = releaseRequirements(
    { ...facts, knowsSource: row.knowsSource },
    factsAt,
    surroundingsOf(row),
    viewer,
    now,
  );
  return {
    viewer,
    facts,
    environments: environments.map((one) => ({
      ...asOpened(one, row),
      live: liveBuilds(targetPlaces(facts, one.environment)),
      changes: toldChanges(facts.changes.get(one.environment), facts.votes.get(one.environment)),
    })),
    retryRefusals: new Map(facts.stages.map((stage) => [stage.id, retryRefusal(facts, viewer, stage, now)])),
    intent: row,
    outlooks: stageOutlooks(facts, row.rolledBack, now),
    destinations: row.destinationStates,
    numbers: row.numbers,
    changesAt: requirementsChangeAt(environments, facts.stages, now),
  };
}

const retryRefusal = (facts: IntentFacts, viewer: Viewer, stage: Stage, now: Date): ReleaseRefusal | null =>
  checkRetry(
    { role: viewer.role, isAuthor: facts.authors.has(viewer.userId) },
    stage,
    subjectOf(facts).build,
    stage.kind.type === 'wait' ? [] : (facts.places.get(stage.kind.environment) ?? []),
    now,
  );

/** Once a stage has started everywhere, the verdicts are those at the moment at which its gate opened. */
function asOpened(
  required: EnvironmentRequirements,
  { stages }: IntentState,
): Omit<PlacedRequirements, 'live' | 'changes'> {
  const { stage, environment: targetEnvironment, judged } = required;
  const opened = stages.find(({ id }) => id === stage.id)?.openedVerdicts ?? null;
  if (opened === null || isOpenToVotes(stage)) return { ...required, openedAt: null };
  const verdicts = opened.map((verdict) => {
    const now = judged.find(({ evaluation }) => evaluation.policyId === verdict.policyId);
    const approval = now?.evaluation.approval ?? null;
    return { ...verdict, targetEnvironment, passed: true, nextCheckAt: null, approval };
  });
  return {
    ...required,
    judged: verdicts.map((evaluation) => ({ evaluation, outlook: null })),
    passed: true,
    openedAt: stage.startedAt,
  };
}

/** The different live builds, the newest first. */
function liveBuilds(places: readonly KnownPlace[]): LiveJson[] {
  const live = places.flatMap(({ shown }) => (shown === null ? [] : [shown]));
  const different = [...new Map(live.map((one) => [one.artifactId, one])).values()];
  return different.sort((a, b) => b.order - a.order);
}

export interface PendingApproval {
  readonly row: store.PendingRow;
  readonly tally: ApprovalTally;
  readonly direction: Direction;
  /** The different builds that it would replace, the newest first. */
  readonly live: readonly LiveJson[];
  readonly uncertain: boolean;
  /** What was done to destinations since the first of the votes. */
  readonly changes: readonly ToldChange[];
}

export interface PendingPage extends Pick<store.PendingRow, 'total' | 'organisations'> {
  readonly approvals: PendingApproval[];
  readonly nextPageToken: string;
}

const BEFORE_ALL = '1970-01-01T00:00:00.000Z';

/** The gates and plans that wait for the caller's vote or verdict, in all of their organisations, oldest first. */
export async function listPendingApprovals(
  app: AppContext,
  caller: Caller,
  page: Page,
): Promise<PendingPage> {
  const [since = BEFORE_ALL, intentId = NIL, stageId = ''] = page.after ?? [];
  const found = await app.db.run(store.listPending, [
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
  const now = app.clock.now();
  return {
    approvals: rows.map((row) => pendingApproval(row, now)),
    nextPageToken: next,
    total: rows[0]?.total ?? 0,
    organisations: rows[0]?.organisations ?? [],
  };
}

function pendingApproval(row: store.PendingRow, now: Date): PendingApproval {
  const { releaseIntentId: id, environment, buildOrder, onlyDestinations } = row;
  const places = placesByEnvironment([{ environment, places: row.places }]);
  const stage = { onlyDestinations, releases: row.deliveries };
  const changes = changesByEnvironment(row.changes, (name) => (name === environment ? [stage] : []));
  const votes = votesByEnvironment({ ...row, id }, authorIds(row), places, changes).get(environment) ?? [];
  const targets = (places.get(environment) ?? []).filter(
    ({ name }) => onlyDestinations?.includes(name) ?? true,
  );
  const direction = directionOf(targets, { order: buildOrder }, now);
  const placed = {
    row,
    direction,
    live: liveBuilds(targets),
    uncertain: targets.some(isUncertain),
    changes: row.type === 'plan' ? [] : toldChanges(changes.get(environment), votes),
  };
  if (row.type === 'plan') return { ...placed, tally: tallyVotes([], 1) };
  const required = row.policies
    .map(policyOf)
    .filter((policy) => policy.targetEnvironment === environment)
    .map(({ config }) => (config.type === 'approval' ? config.requiredApprovals : 0));
  return { ...placed, tally: tallyVotes(votes, Math.max(1, ...required)) };
}
