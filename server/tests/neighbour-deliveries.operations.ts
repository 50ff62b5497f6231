import { afterAll, afterEach, expect, test } from 'vitest';
import { findWork } from '#server/features/deliveries/service.ts';
import { findIntentsToEvaluate } from '#server/features/gate/service.ts';
import { deliveryWorld, receivedBy, SECRET } from './delivery-world.ts';
import { gatedRelease, stepBecomes } from './gate-world.ts';
import { eventually, startTestApp } from './harness.ts';
import { type Answer, answer } from './webhook-receiver.ts';
import { ended, stateOf, type World, world } from './world.ts';

/* What one organisation delivers does not keep the deliveries of another one waiting. */

const SERVER = '01890000-0000-7000-8000-000000000000';
const HANGING = 600;
const WIDE = 1_200;
const SEVERAL = 120;
/** As the dispatcher's. */
const MAX_PER_ORGANISATION = 500;
/** How many deliveries of another organisation may start or end during one of a neighbour, which waits for a few of them in each turn. */
const MAX_MEANWHILE = 100;

/** How often the facts of a release were loaded. */
let facts = 0;
const app = await startTestApp({
  config: { webhookAnswerSeconds: 3_600 },
  observeStatement: (name) => {
    if (name === 'gate.facts') facts++;
  },
});
afterAll(() => app.stop());
const { close, receiver } = deliveryWorld(app);
afterEach(close);

const rows = async (sql: string, ...values: unknown[]) => (await app.context.db.pool.query(sql, values)).rows;

/** A new environment with that many destinations, written directly: the API would take a minute. */
async function wideEnvironment(
  w: World,
  count: number,
  type: 'noop' | 'webhook',
  metadata: Record<string, string> = {},
): Promise<string> {
  const name = `wide-${type}`;
  await w.admin.environments.createEnvironment({ organisation: w.organisation, name });
  await rows(
    `insert into destinations (id, organisation_id, environment_id, name, type_organisation, type_name, type_version, metadata,
                               created_at)
     select gen_random_uuid(), e.organisation_id, e.id, 'place-' || n, 'forage', $3, 1, $4, now()
       from environments e, generate_series(1, $5::int) n
      where e.organisation_id = $1 and e.name = $2`,
    w.organisationId,
    name,
    type,
    JSON.stringify(metadata),
    count,
  );
  return name;
}

/** The numbers of an intent's deliveries by status. */
async function deliveriesOf(intent: string): Promise<Record<string, number>> {
  const counts = await rows(
    'select status, count(*)::int from releases where release_intent_id = $1 group by status',
    intent,
  );
  return Object.fromEntries(counts.map(({ status, count }) => [status, count]));
}

test('hundreds of receivers that never answer take no place that a delivery of another organisation needs', async () => {
  const open: Parameters<Answer>[0][] = [];
  const target = await receiver((response) => void open.push(response));
  const [loud, quiet] = [await world(app), await world(app)];
  const metadata = { url: target.url, secret: SECRET };
  const environment = await wideEnvironment(loud, HANGING, 'webhook', metadata);
  const hanging = await loud.releaseNew([environment]);
  await receivedBy(target, MAX_PER_ORGANISATION);

  const neighbours = await receiver(answer(200));
  await quiet.destination('hook', 'staging', { url: neighbours.url, secret: SECRET }, 'webhook');
  await ended(quiet, await quiet.releaseNew(['staging']));
  expect(neighbours.received).toHaveLength(1);

  // The rest of its own waits until one of its receivers answers.
  expect(target.received).toHaveLength(MAX_PER_ORGANISATION);
  expect(await deliveriesOf(hanging)).toEqual({
    RUNNING: MAX_PER_ORGANISATION,
    QUEUED: HANGING - MAX_PER_ORGANISATION,
  });
  const waitOf = async (intent: string) =>
    (await stateOf(loud, intent)).steps.find(({ status }) => status === 'QUEUED')?.waitsFor;
  expect(await waitOf(hanging)).toBe(
    '500 deliveries of this organisation are under way, the most for one server',
  );
  const next = await loud.releaseNew(['staging']);
  await stepBecomes(loud, next, 'QUEUED');
  expect(await waitOf(next)).toBe('100 deliveries of this organisation are ahead');
  open[0]?.writeHead(200).end();
  await receivedBy(target, MAX_PER_ORGANISATION + 1);
  await loud.author.releases.cancelRelease({ releaseIntentId: hanging });
});

test('one release to a thousand destinations does not keep the deployments of another organisation waiting', async () => {
  const [loud, quiet] = [await world(app), await world(app)];
  const environment = await wideEnvironment(loud, WIDE, 'noop');
  const wide = await loud.releaseNew([environment]);
  await eventually(
    async () => ((await deliveriesOf(wide)).SUCCEEDED ?? 0) > 0,
    'the first of its deliveries to end',
  );
  for (let turn = 0; turn < 3; turn++) {
    const intent = await quiet.releaseNew(['staging']);
    await ended(quiet, intent);
    const [meanwhile] = await rows(
      `select count(*)::int
         from releases q
         join releases r on r.started_at between q.queued_at and q.completed_at
                         or r.completed_at between q.queued_at and q.completed_at
        where r.release_intent_id = $1 and q.release_intent_id = $2`,
      wide,
      intent,
    );
    expect(meanwhile.count).toBeLessThan(MAX_MEANWHILE);
  }
  expect((await deliveriesOf(wide)).SUCCEEDED).toBeLessThan(WIDE);
  await loud.author.releases.cancelRelease({ releaseIntentId: wide });
});

test('a release to many destinations is delivered once to each, and its gate is checked for many at a time', async () => {
  const target = await receiver(answer(200));
  const w = await world(app);
  const environment = await wideEnvironment(w, SEVERAL, 'webhook', { url: target.url, secret: SECRET });
  facts = 0;
  await ended(w, await w.releaseNew([environment]));
  expect(target.received).toHaveLength(SEVERAL);
  expect(new Set(target.received.map(({ headers }) => headers['webhook-id'])).size).toBe(SEVERAL);
  // Every claim and evaluation loads the facts of all destinations.
  expect(facts).toBeLessThan(SEVERAL / 4);
});

test('a sweep finds the waiting releases and queued deliveries of each organisation in turn', async () => {
  const [loud, quiet] = [await world(app), await world(app)];
  await loud.approvalPolicy(1);
  const gated = await gatedRelease(loud);
  const environment = await wideEnvironment(loud, WIDE, 'noop');
  // Written directly, as if all signals had been lost.
  await rows(
    `with stage as (
       update stages set status = 'ACTIVE' where release_intent_id = $1 returning id
     ), queued as (
       insert into releases (id, release_intent_id, stage_id, project_id, artifact_id, destination_id, destination_name,
                             environment, mode, queued_at)
       select gen_random_uuid(), i.id, s.id, i.project_id, i.artifact_id, d.id, d.name, e.name, 'deploy', now()
         from release_intents i, stage s, destinations d join environments e on e.id = d.environment_id
        where i.id = $1 and d.organisation_id = $2 and e.name = $3
     )
     insert into release_intents (id, project_id, artifact_id, actor_id, created_at)
     select gen_random_uuid(), i.project_id, i.artifact_id, i.actor_id, now()
       from release_intents i, generate_series(1, $4::int) where i.id = $1`,
    gated,
    loud.organisationId,
    environment,
    WIDE,
  );
  await quiet.approvalPolicy(1);
  const waiting = await gatedRelease(quiet);
  await rows('update release_intents set wanted_generation = wanted_generation + 1 where id = $1', waiting);
  const intents = await findIntentsToEvaluate(app.context);
  expect(intents).toHaveLength(1_000);
  expect(intents.slice(0, 2).map(({ id }) => id)).toContain(waiting);

  await rows(`update stages set status = 'ACTIVE' where release_intent_id = $1`, waiting);
  await rows(
    `insert into releases (id, release_intent_id, stage_id, project_id, artifact_id, destination_id, destination_name,
                           environment, mode, queued_at)
     select gen_random_uuid(), i.id, 'production', i.project_id, i.artifact_id, d.id, d.name, 'production', 'deploy', now()
       from release_intents i, destinations d where i.id = $1 and d.organisation_id = $2 and d.name = 'us-east'`,
    waiting,
    quiet.organisationId,
  );
  const work = await findWork(app.context, SERVER);
  const queued = work.filter(({ kind }) => kind === 'queued');
  expect(queued).toHaveLength(1_000);
  expect(queued.slice(0, 2).map(({ organisationId }) => organisationId)).toContain(quiet.organisationId);
});
