import { setTimeout as sleep } from 'node:timers/promises';
import { type Actor, ask, type OpenRelease, projectAt, projectOf, type Scene } from './actor.ts';
import { outcomeOf } from './calls.ts';
import { changeMembership, editPolicy } from './edits.ts';
import { createLedger, type Ledger } from './ledger.ts';
import { type Place, PRODUCTION, PROJECTS, STAGING, textIn, type User } from './place.ts';
import { type Deed, type Intention, intentions } from './plan.ts';
import { chanceOf } from './random.ts';
import type { ServerSlot } from './server-slots.ts';

/** More open releases than this are cancelled, oldest first, so that a long run stays a run and no heap. */
const MOST_OPEN = 40;

export interface Load {
  readonly ledger: Ledger;
  /** Resolves when everybody has had the answer to their last question. */
  stop(): Promise<void>;
}

/** Everybody does what they mean to do, one thing after the other, all at the same time. */
export function startLoad(seed: number, place: Place, servers: readonly ServerSlot[]): Load {
  const believed = new Map(
    place.users.slice(1).map(({ id, admin }) => [id, admin ? ('admin' as const) : ('member' as const)]),
  );
  const ledger = createLedger();
  const scene: Scene = {
    ...{ seed, place, servers, ledger, believed },
    open: [],
    extras: new Map(PROJECTS.map((name) => [name, []])),
    stopped: false,
  };
  const everybody = place.users.map((user) => live(scene, user));
  return {
    ledger,
    async stop() {
      scene.stopped = true;
      await Promise.all(everybody);
    },
  };
}

async function live(scene: Scene, user: User): Promise<void> {
  const chance = chanceOf(scene.seed, `servers for ${user.name}`);
  for (const intention of intentions(scene.seed, user.name, user.admin)) {
    if (scene.stopped) return;
    await sleep(intention.pause);
    await act({ scene, user, chance }, intention);
  }
}

const newest = (open: readonly OpenRelease[], which: number): OpenRelease | undefined =>
  open[open.length - 1 - Math.floor(which * open.length)];

function forget({ open }: Scene, release: OpenRelease): void {
  const index = open.indexOf(release);
  if (index !== -1) open.splice(index, 1);
}

async function act(actor: Actor, { deed, again }: Intention): Promise<void> {
  const { scene } = actor;
  const oldest = scene.open.length > MOST_OPEN ? scene.open[0] : undefined;
  if (oldest !== undefined && actor.user === scene.place.users[0]) return cancel(actor, oldest);
  switch (deed.is) {
    case 'release':
      return release(actor, deed);
    case 'approve':
    case 'reject':
    case 'bypass':
      return vote(actor, deed, again);
    case 'cancel': {
      const chosen = newest(scene.open, deed.which);
      return chosen && cancel(actor, chosen);
    }
    case 'judge plan':
      return judge(actor, deed);
    case 'look':
      return look(actor, deed);
    case 'membership':
      return changeMembership(actor, deed);
    default:
      return editPolicy(actor, deed);
  }
}

/** Every third build names somebody else as its source, by name or by address: the author of it, whoever asks. */
function sourceOf({ place }: Scene, way: number): object {
  const number = Math.floor(way * 10_000);
  const somebody = place.users[number % place.users.length];
  if (number % 3 !== 0 || somebody === undefined) return {};
  const { name } = somebody;
  return { source: number % 2 === 0 ? { user: name } : { user: 'x', email: `${name}@example.com` } };
}

async function release(actor: Actor, deed: Extract<Deed, { is: 'release' }>): Promise<void> {
  const { scene, user } = actor;
  const project = projectAt(deed.project);
  const id = scene.ledger.newId();
  const title = `change ${id}`;
  const annotated = await ask(
    actor,
    'annotate',
    'ReleaseService/AnnotateRelease',
    {
      project: projectOf(project),
      context: { title },
      ref: { commitSha: 'a'.repeat(40), branch: deed.branch },
      ...sourceOf(scene, deed.way),
    },
    { title },
    id,
  );
  if (annotated === null || annotated.code !== 'ok') return;
  const artifactId = textIn(annotated, 'artifact', 'artifactId');
  const [where, environments] = ((): [object, string[]] => {
    if (deed.way < 0.45) return [{ usePipeline: true, pipeline: 'through' }, [STAGING, PRODUCTION]];
    if (deed.way < 0.6) return [{ usePipeline: true, pipeline: 'planned' }, [STAGING, PRODUCTION]];
    if (deed.way < 0.9) return [{ environments: [PRODUCTION] }, [PRODUCTION]];
    return [{ environments: [STAGING, PRODUCTION] }, [STAGING, PRODUCTION]];
  })();
  const answer = await ask(
    actor,
    'release',
    'ReleaseService/Release',
    { artifactId, ...where },
    { artifactId, pipeline: String('usePipeline' in where) },
  );
  const intents = answer?.body['intents'];
  const first: unknown = Array.isArray(intents) ? intents[0] : undefined;
  if (answer === null || answer.code !== 'ok') return;
  const releaseIntentId = textIn({ ...answer, body: { first } }, 'first', 'releaseIntentId');
  const planned = deed.way >= 0.45 && deed.way < 0.6;
  const made = {
    id: releaseIntentId,
    project,
    author: user.id,
    environments: new Set(environments),
    planned,
  };
  scene.open.push(made);
}

async function vote(
  actor: Actor,
  deed: Extract<Deed, { is: 'approve' | 'reject' | 'bypass' }>,
  again: boolean,
): Promise<void> {
  const { scene, user } = actor;
  const chosen = newest(scene.open, deed.which);
  // Authors try their own as well, sometimes: it has to be refused.
  if (chosen === undefined || (chosen.author === user.id && deed.environment < 0.8 && deed.is === 'approve'))
    return;
  const environment = chosen.environments.has(STAGING) && deed.environment < 0.15 ? STAGING : PRODUCTION;
  const id = scene.ledger.newId();
  const comment = `vote ${id}`;
  const body = {
    project: projectOf(chosen.project),
    releaseIntentId: chosen.id,
    targetEnvironment: environment,
    comment,
    ...(deed.is === 'bypass' ? { forceBypass: true } : {}),
  };
  const method = deed.is === 'reject' ? 'PolicyService/RejectRelease' : 'PolicyService/ApproveRelease';
  const about = { intent: chosen.id, environment, comment };
  const answer = await ask(actor, deed.is, method, body, about);
  if (answer === null) return;
  // Who got no answer says it once more, as does one who pressed the button twice.
  if (again || outcomeOf(answer) === 'unknown') await ask(actor, deed.is, method, body, about);
  if (answer.code === 'failed_precondition') {
    chosen.environments.delete(environment);
    if (!chosen.environments.has(PRODUCTION)) forget(scene, chosen);
  }
}

async function cancel(actor: Actor, chosen: OpenRelease): Promise<void> {
  const about = { intent: chosen.id };
  const body = { releaseIntentId: chosen.id, reason: 'no longer wanted' };
  const answer = await ask(actor, 'cancel', 'ReleaseService/CancelRelease', body, about);
  if (answer !== null && ['ok', 'failed_precondition'].includes(answer.code)) forget(actor.scene, chosen);
}

async function judge(
  actor: Actor,
  deed: Extract<Deed, { is: 'cancel' | 'judge plan' | 'look' }>,
): Promise<void> {
  const chosen = newest(
    actor.scene.open.filter(({ planned }) => planned),
    deed.which,
  );
  if (chosen === undefined) return;
  const method = deed.yes ? 'ReleaseService/ApprovePlanStage' : 'ReleaseService/RejectPlanStage';
  const about = { intent: chosen.id, verdict: deed.yes ? 'approved' : 'rejected' };
  const answer = await ask(
    actor,
    'judge plan',
    method,
    { releaseIntentId: chosen.id, stageId: 'plan' },
    about,
  );
  if (answer?.code === 'ok') chosen.planned = false;
}

async function look(
  actor: Actor,
  deed: Extract<Deed, { is: 'cancel' | 'judge plan' | 'look' }>,
): Promise<void> {
  const chosen = newest(actor.scene.open, deed.which);
  if (chosen === undefined) return;
  const body = { project: projectOf(chosen.project), releaseIntentId: chosen.id };
  await ask(actor, 'look', 'PolicyService/GetReleaseRequirements', body, {});
}
