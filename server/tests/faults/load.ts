import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type Actor,
  callAndRecord,
  type LoadState,
  type OpenRelease,
  projectAt,
  projectOf,
} from './actor.ts';
import { outcomeOf } from './calls.ts';
import { changeMembership, editPolicy } from './edits.ts';
import { type FaultWorld, PRODUCTION, PROJECTS, STAGING, textIn, type User } from './fault-world.ts';
import { createLedger, type Ledger } from './ledger.ts';
import { type Action, type PlannedAction, plannedActions } from './plan.ts';
import { seededRandom } from './random.ts';
import type { FaultReceiver } from './receiver.ts';
import {
  endHold,
  freeDestination,
  planAgain,
  retryStage,
  settleDestination,
  withdrawVote,
} from './repairs.ts';
import type { ServerSlot } from './server-slots.ts';

/** Above this number the oldest open release is cancelled, so that a long run does not accumulate them. */
const MAX_OPEN = 40;

export interface Load {
  readonly ledger: Ledger;
  /** Starts no further action; resolves when every user has their last answer. */
  stop(): Promise<void>;
}

/** Runs the plans of all users in parallel, each in sequence. */
export function startLoad(
  seed: number,
  world: FaultWorld,
  servers: readonly ServerSlot[],
  receiver: FaultReceiver,
): Load {
  const knownRoles = new Map(
    world.users.slice(1).map(({ id, admin }) => [id, admin ? ('admin' as const) : ('member' as const)]),
  );
  const ledger = createLedger();
  const state: LoadState = {
    ...{ seed, world, servers, ledger, receiver, knownRoles },
    builds: new Map(PROJECTS.map((name) => [name, []])),
    requested: [],
    open: [],
    extras: new Map(PROJECTS.map((name) => [name, []])),
    stopped: false,
  };
  const users = world.users.map((user) => runUser(state, user));
  return {
    ledger,
    async stop() {
      state.stopped = true;
      await Promise.all(users);
    },
  };
}

async function runUser(state: LoadState, user: User): Promise<void> {
  const random = seededRandom(state.seed, `servers for ${user.name}`);
  for (const planned of plannedActions(state.seed, user.name, user.admin)) {
    if (state.stopped) return;
    await sleep(planned.pause);
    await act({ state, user, random }, planned);
  }
}

const newest = (open: readonly OpenRelease[], which: number): OpenRelease | undefined =>
  open[open.length - 1 - Math.floor(which * open.length)];

function markClosed({ open }: LoadState, release: OpenRelease): void {
  const index = open.indexOf(release);
  if (index !== -1) open.splice(index, 1);
}

async function act(actor: Actor, { action, repeat }: PlannedAction): Promise<void> {
  const { state } = actor;
  const oldest = state.open.length > MAX_OPEN ? state.open[0] : undefined;
  if (oldest !== undefined && actor.user === state.world.users[0]) return cancel(actor, oldest);
  switch (action.is) {
    case 'release':
      return release(actor, action);
    case 'approve':
    case 'reject':
    case 'bypass':
      return vote(actor, action, repeat);
    case 'cancel': {
      // Mostly one whose delivery is under way, so that its report comes late.
      const running = state.receiver.working().map(({ intentId }) => intentId);
      const isRunning = state.requested.findLast(({ id }) => running.includes(id));
      const chosen = (action.yes ? isRunning : undefined) ?? newest(state.open, action.which);
      return chosen && cancel(actor, chosen);
    }
    case 'decide plan':
      return decidePlan(actor, action);
    case 'read':
      return readRequirements(actor, action);
    case 'return':
      return returnToEarlier(actor, action);
    case 'withdraw':
      return withdrawVote(actor, action);
    case 'retry':
      return retryStage(actor, action);
    case 'plan again':
      return planAgain(actor, action);
    case 'end hold':
      return endHold(actor, action);
    case 'settle':
      return settleDestination(actor, action);
    case 'free':
      return freeDestination(actor, action);
    case 'membership':
      return changeMembership(actor, action);
    default:
      return editPolicy(actor, action);
  }
}

/** Every third build names a user as its source, by name or address, who is then an author. */
function sourceOf({ world }: LoadState, drawn: number): object {
  const number = Math.floor(drawn * 10_000);
  const user = world.users[number % world.users.length];
  if (number % 3 !== 0 || user === undefined) return {};
  const { name } = user;
  return { source: number % 2 === 0 ? { user: name } : { user: 'x', email: `${name}@example.com` } };
}

/** The commit of a build, derived from its number; now and then that of an earlier build, which it equals then. */
function commitOf({ builds }: LoadState, project: string, id: number, drawn: number): string {
  const known = builds.get(project) ?? [];
  const number = Math.floor(drawn * 1_000);
  const earlier = number % 9 === 0 ? known[number % Math.max(1, known.length)] : undefined;
  return earlier?.commit ?? createHash('sha1').update(`${project} ${id}`).digest('hex');
}

async function release(actor: Actor, action: Extract<Action, { is: 'release' }>): Promise<void> {
  const { state } = actor;
  const project = projectAt(action.project);
  const id = state.ledger.newId();
  const title = `change ${id}`;
  const commit = commitOf(state, project, id, action.drawn);
  const annotated = await callAndRecord(
    actor,
    'annotate',
    'ReleaseService/AnnotateRelease',
    {
      project: projectOf(project),
      context: { title },
      ref: { commitSha: commit, branch: action.branch },
      ...sourceOf(state, action.drawn),
    },
    { title },
    id,
  );
  if (annotated === null || annotated.code !== 'ok') return;
  const artifactId = textIn(annotated, 'artifact', 'artifactId');
  state.builds.get(project)?.push({ artifactId, commit });
  await request(actor, project, artifactId, action.drawn);
}

/** Releases again what ran before in production or, if nothing did, any earlier build; now and then what runs there, by force. */
async function returnToEarlier(actor: Actor, action: Extract<Action, { is: 'return' }>): Promise<void> {
  const { builds, receiver } = actor.state;
  const project = projectAt(action.project);
  const ran = receiver.applied.filter(
    (one) => one.project === project && one.effect === 'runs' && one.destination.startsWith(PRODUCTION),
  );
  const known = ran.length > 0 ? ran : (builds.get(project) ?? []);
  const force = action.which > 0.7;
  const recent = known.slice(force ? -1 : -12);
  const chosen = recent[Math.floor(action.which * recent.length)];
  if (chosen === undefined) return;
  // Mostly straight to production.
  const drawn = action.drawn < 0.7 ? 0.8 : action.drawn;
  await request(actor, project, chosen.artifactId, drawn, { allowOlder: true, force });
}

/** Requests a release; the number chooses its way. */
async function request(
  { state, user, random }: Actor,
  project: string,
  artifactId: string,
  drawn: number,
  options: object = {},
): Promise<void> {
  const planned = drawn >= 0.45 && drawn < 0.6;
  const [target, environments] = ((): [object, string[]] => {
    if (drawn < 0.45) return [{ usePipeline: true, pipeline: 'to-production' }, [STAGING, PRODUCTION]];
    if (planned) return [{ usePipeline: true, pipeline: 'planned' }, [STAGING, PRODUCTION]];
    if (drawn < 0.9) return [{ environments: [PRODUCTION] }, [PRODUCTION]];
    return [{ environments: [STAGING, PRODUCTION] }, [STAGING, PRODUCTION]];
  })();
  const answer = await callAndRecord(
    { state, user, random },
    'release',
    'ReleaseService/Release',
    { artifactId, ...target, ...options },
    { artifactId, pipeline: String('usePipeline' in target) },
  );
  const intents = answer?.body['intents'];
  const first: unknown = Array.isArray(intents) ? intents[0] : undefined;
  if (answer === null || answer.code !== 'ok') return;
  const id = textIn({ ...answer, body: { first } }, 'first', 'releaseIntentId');
  const created = { id, project, author: user.id, environments: new Set(environments), planned };
  state.open.push(created);
  state.requested.push(created);
}

async function vote(
  actor: Actor,
  action: Extract<Action, { is: 'approve' | 'reject' | 'bypass' }>,
  repeat: boolean,
): Promise<void> {
  const { state, user } = actor;
  const chosen = newest(state.open, action.which);
  // Sometimes an author votes, which must be refused.
  if (
    chosen === undefined ||
    (chosen.author === user.id && action.environment < 0.8 && action.is === 'approve')
  )
    return;
  const environment = chosen.environments.has(STAGING) && action.environment < 0.15 ? STAGING : PRODUCTION;
  const id = state.ledger.newId();
  const comment = `vote ${id}`;
  const body = {
    project: projectOf(chosen.project),
    releaseIntentId: chosen.id,
    targetEnvironment: environment,
    comment,
    ...(action.is === 'bypass' ? { forceBypass: true } : {}),
  };
  const method = action.is === 'reject' ? 'PolicyService/RejectRelease' : 'PolicyService/ApproveRelease';
  const about = { intent: chosen.id, environment, comment };
  const answer = await callAndRecord(actor, action.is, method, body, about);
  if (answer === null) return;
  // Repeats if the outcome is unknown, and sometimes otherwise, as a double click does.
  if (repeat || outcomeOf(answer) === 'unknown') await callAndRecord(actor, action.is, method, body, about);
  if (answer.code === 'failed_precondition') {
    chosen.environments.delete(environment);
    if (!chosen.environments.has(PRODUCTION)) markClosed(state, chosen);
  }
}

async function cancel(actor: Actor, chosen: OpenRelease): Promise<void> {
  const about = { intent: chosen.id };
  const body = { releaseIntentId: chosen.id, reason: 'no longer wanted' };
  const answer = await callAndRecord(actor, 'cancel', 'ReleaseService/CancelRelease', body, about);
  if (answer !== null && ['ok', 'failed_precondition'].includes(answer.code)) markClosed(actor.state, chosen);
}

async function decidePlan(
  actor: Actor,
  action: Extract<Action, { is: 'cancel' | 'decide plan' | 'read' }>,
): Promise<void> {
  const chosen = newest(
    actor.state.open.filter(({ planned }) => planned),
    action.which,
  );
  if (chosen === undefined) return;
  const method = action.yes ? 'ReleaseService/ApprovePlanStage' : 'ReleaseService/RejectPlanStage';
  const about = { intent: chosen.id, verdict: action.yes ? 'approved' : 'rejected' };
  const answer = await callAndRecord(
    actor,
    'decide plan',
    method,
    { releaseIntentId: chosen.id, stageId: 'plan' },
    about,
  );
  if (answer?.code === 'ok') chosen.planned = false;
}

async function readRequirements(
  actor: Actor,
  action: Extract<Action, { is: 'cancel' | 'decide plan' | 'read' }>,
): Promise<void> {
  const chosen = newest(actor.state.open, action.which);
  if (chosen === undefined) return;
  const body = { project: projectOf(chosen.project), releaseIntentId: chosen.id };
  await callAndRecord(actor, 'read', 'PolicyService/GetReleaseRequirements', body, {});
}
