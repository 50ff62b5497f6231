import { connect, type IncomingHttpHeaders } from 'node:http2';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, expect, test } from 'vitest';
import { findRequirements } from '#server/features/approvals/store.ts';
import { post } from './browser.ts';
import { type Random, seededRandom } from './faults/random.ts';
import { branchPolicy, requireApprovals, soakPolicy, stepBecomes, voteOn } from './gate-world.ts';
import { eventually, startTestApp } from './harness.ts';
import { ended, PASSWORD, type Person, world } from './world.ts';

/*
 * A poll of a release's requirements that sends the ETag of the present answer is answered 304 without reading the facts.
 * It must never be 304 when the full answer would be another, nor for a caller who may not read it.
 */

let ahead = 0;
const statements: string[] = [];
const app = await startTestApp({
  clock: {
    now: () => new Date(Date.now() + ahead),
    sleep: (ms, signal) => sleep(ms, undefined, { signal }),
  },
  observeStatement: (name) => statements.push(name),
});
afterAll(() => app.stop());
const w = await world(app);

await w.admin.environments.createEnvironment({ organisation: w.organisation, name: 'qa', sortOrder: 9 });
await w.destination('slow', 'qa', { seconds: '3600' });
const { artifact } = await (await w.serviceAccount('ci')).releases.annotateRelease({
  project: w.project,
  context: { title: 'Soaked' },
  ref: { commitSha: 'a'.repeat(40), branch: 'main' },
  source: { email: 'two@commits.example' },
});
const soaked = artifact?.artifactId ?? '';
await ended(w, await w.release(soaked, ['staging']));
await w.approvalPolicy(3, 'production', 'votes');
await soakPolicy(w, 1_800);
/** A release that waits for votes and a soak. */
const waiting = await w.release(soaked, ['production']);
// Created after the release, whose request they would refuse.
await branchPolicy(w, 'main only', '^main$');
await branchPolicy(w, 'from no branch yet', '^only/');
// The first occupies the destination for an hour; the second is queued ahead of the third.
await stepBecomes(w, await w.releaseNew(['qa']), 'RUNNING');
const other = await w.artifact();
await stepBecomes(w, await w.release(other.artifactId, ['qa']), 'QUEUED');
/** A release in a destination's queue. */
const queued = await w.releaseNew(['qa']);
await stepBecomes(w, queued, 'QUEUED');
const watched = [waiting, queued];

const PATH = '/forest.v1.PolicyService/GetReleaseRequirements';
const pathOf = (releaseIntentId: string) => {
  const message = JSON.stringify({ project: w.project, releaseIntentId });
  return `${PATH}?connect=v1&encoding=json&message=${encodeURIComponent(message)}`;
};

interface Answer {
  readonly status: number;
  readonly etag: string;
  readonly revision: string;
  readonly cacheControl: string | null;
}

/** Polls with the given headers; `no-store`, because the test is about the server and not about the cache of `fetch`. */
async function get(path: string, headers: Record<string, string>, url = app.url): Promise<Answer> {
  const response = await fetch(`${url}${path}`, { headers, cache: 'no-store' });
  const text = await response.text();
  if (response.status === 304) expect(text).toBe('');
  const revision = text === '' ? '' : String(JSON.parse(text).revision ?? '');
  const { headers: got } = response;
  return {
    status: response.status,
    etag: got.get('etag') ?? '',
    revision,
    cacheControl: got.get('cache-control'),
  };
}
const poll = (by: Pick<Person, 'token'>, releaseIntentId: string, etag?: string) =>
  get(pathOf(releaseIntentId), {
    authorization: `Bearer ${by.token}`,
    ...(etag === undefined ? {} : { 'if-none-match': etag }),
  });

/** Repeats `work` until nothing has changed between two full answers around it; gives the answer and what `work` found. */
const undisturbed = <T>(by: Person, intent: string, work: (now: Answer) => Promise<T>) =>
  eventually(async () => {
    const now = await poll(by, intent);
    const found = await work(now);
    return (await poll(by, intent)).etag === now.etag && { now, found };
  }, 'two equal answers');

const sql = (text: string, values: unknown[] = []) => app.context.db.pool.query(text, values);
let counter = 0;
/** Every kind of change that an answer can show; some without the API, in case it changes them one day. */
const changes: Record<string, (random: Random, round: number) => Promise<unknown>> = {
  async vote(random) {
    const { policies } = random.pick([w.reviewer, w.admin]);
    const vote = { ...voteOn(w, waiting), comment: `comment ${++counter}` };
    await (random.next() < 0.5 ? policies.approveRelease(vote) : policies.rejectRelease(vote));
  },
  'required approvals': (_, round) => requireApprovals(w, 'votes', 4 + round),
  'a policy disabled or enabled': (_, round) =>
    w.admin.policies.updatePolicy({ project: w.project, name: 'main only', enabled: round % 2 === 1 }),
  'a new policy': () => w.approvalPolicy(3, 'production', `also ${++counter}`),
  async 'a policy deleted'() {
    const { policies } = await w.admin.policies.listPolicies({ project: w.project });
    const name = policies.find((policy) => policy.name.startsWith('also'))?.name;
    if (name !== undefined) await w.admin.policies.deletePolicy({ project: w.project, name });
  },
  'a member removed or added': (_, round) =>
    round % 2 === 0 ? w.removeMember(w.reviewerTwo) : w.addMember(w.reviewerTwo),
  role: (_, round) => w.setRole(w.reviewer, round % 2 === 1 ? 'member' : 'admin'),
  'the name of a voter': () =>
    sql('update users set username = $2 where id = $1', [w.reviewerTwo.userId, `renamed-${++counter}`]),
  'the name of the author': () =>
    sql('update users set username = $2 where id = $1', [w.author.userId, `renamed-${++counter}`]),
  'a commit address': (_, round) =>
    round % 2 === 0
      ? w.reviewerTwo.users.addCommitAddress({ address: 'two@commits.example' })
      : w.reviewerTwo.users.removeCommitAddress({ address: 'two@commits.example' }),
  'the order of environments': () => sql('update environments set sort_order = -sort_order'),
  'a new destination': () => w.destination(`extra-${++counter}`, 'production'),
  async 'a destination deleted'() {
    const { rows } = await sql(
      "select name from destinations where deleted_at is null and name like 'extra-%'",
    );
    const name = rows[0]?.name;
    if (name !== undefined)
      await w.admin.destinations.deleteDestination({ organisation: w.organisation, name });
  },
  'an artifact’s slug': () => sql('update artifacts set slug = slug || $1', [`${++counter}`]),
  'another artifact, of a branch that a pattern rejects': () => w.artifact(`feature/${++counter}`),
  'a stage’s reason': () =>
    sql('update stages set reason = $1 where type = $2', [`reason ${++counter}`, 'deploy']),
  'another release’s queue position': () =>
    sql(
      `update releases set queued_at = w.queued_at + (w.queued_at - releases.queued_at)
         from releases w where w.release_intent_id = $2 and releases.artifact_id = $1`,
      [other.artifactId, queued],
    ),
  'the same artifact deployed again': () => w.release(soaked, { environments: ['staging'], force: true }),
  async time(random) {
    ahead += random.integer(0, 6 * 60_000);
  },
  nothing: async () => {},
};

test('is never answered 304 when the full answer would be another', { timeout: 300_000 }, async () => {
  const seed = Number(process.env['POLLS_SEED'] ?? 4);
  const rounds = Number(process.env['POLLS_ROUNDS'] ?? 2);
  const random = seededRandom(seed, 'polls');
  const people = [w.author, w.reviewer, w.admin];
  const known = new Map<string, Answer>();
  const seen = new Set<string>();
  let unchanged = 0;
  for (let round = 0; round < rounds; round++) {
    for (const name of random.shuffled(Object.keys(changes))) {
      await changes[name]?.(random, round);
      for (const intent of watched) {
        for (const person of people) {
          const key = `${person.userId} ${intent}`;
          const last = known.get(key);
          const about = `after "${name}", round ${round}, seed ${seed}`;
          const { now, found } = await undisturbed(person, intent, async ({ etag }) => ({
            withLast: await poll(person, intent, last?.etag ?? '"none"'),
            withPresent: await poll(person, intent, etag),
          }));
          expect(now.status, about).toBe(200);
          const { status, etag } = found.withLast;
          expect([status, etag], about).toEqual([last?.etag === now.etag ? 304 : 200, now.etag]);
          const told = status === 304 ? last?.revision : found.withLast.revision;
          expect(told, about).toBe(now.revision);
          expect(found.withPresent.status, about).toBe(304);
          if (last?.revision !== now.revision) seen.add(name);
          if (status === 304) unchanged++;
          known.set(key, now);
        }
      }
    }
  }
  // A change that changes no answer would prove nothing, and so would polls that are all answered in full.
  expect(Object.keys(changes).filter((name) => name !== 'nothing' && !seen.has(name))).toEqual([]);
  expect(unchanged).toBeGreaterThan(20);
});

test('changes when the release ahead in a queue is held: it is not ahead any more', async () => {
  const setStage = (status: string) =>
    sql(
      `update stages set status = $2
        where release_intent_id in (select release_intent_id from releases where artifact_id = $1 and environment = 'qa')`,
      [other.artifactId, status],
    );
  const { now } = await undisturbed(w.author, queued, async () => {});
  await setStage('AWAITING_APPROVAL');
  const held = await poll(w.author, queued, now.etag);
  await setStage('ACTIVE');
  expect(held.status).toBe(200);
  expect(held.revision).not.toBe(now.revision);
});

test('every table that the answer reads has triggers that raise its numbers', async () => {
  const { rows: plans } = await sql(`explain (format json, generic_plan) ${findRequirements.text}`);
  const plan = JSON.stringify(plans[0]?.['QUERY PLAN']);
  const tables = new Set([...plan.matchAll(/"Relation Name":"(\w+)"/g)].map(([, name]) => name ?? ''));
  tables.delete('change_numbers');
  const { rows } = await sql(
    `select distinct c.relname as table, e.event
       from pg_trigger g
       join pg_class c on c.oid = g.tgrelid
       join pg_proc f on f.oid = g.tgfoid
       join (values ('insert', 4), ('delete', 8), ('update', 16)) as e (event, bit) on g.tgtype & e.bit <> 0
      where f.proname like 'note\\_%' and g.tgenabled = 'O' and g.tgattr = ''`,
  );
  const noticed = new Set(rows.map(({ table, event }) => `${event} ${table}`));
  // A new user is shown nowhere before they join.
  noticed.add('insert users');
  // Stored with the artifact, whose own trigger notices it, and never changed.
  for (const event of ['insert', 'update', 'delete']) noticed.add(`${event} artifact_authors`);
  // Stored with the destination, whose own trigger notices it, and never changed.
  for (const event of ['insert', 'update', 'delete']) noticed.add(`${event} destination_revisions`);
  // Stored when the place changes, whose own trigger notices it, and never changed.
  for (const event of ['insert', 'update', 'delete']) noticed.add(`${event} doubtful_arrivals`);
  // An address is added or removed, never changed.
  noticed.add('update commit_addresses');
  expect(tables).toContain('approval_decisions');
  const missing = [...tables].flatMap((table) =>
    ['insert', 'update', 'delete'].map((event) => `${event} ${table}`).filter((one) => !noticed.has(one)),
  );
  expect(missing).toEqual([]);
});

/** The numbers of the waiting release, its project and its organisation. */
const numbersNow = async (): Promise<string[]> => {
  const text = 'select numbers from release_change_numbers where release_intent_id = $1';
  return String((await sql(text, [waiting])).rows[0]?.numbers).split('.');
};

test('a vote raises the number of its release only; writes that change nothing shown raise none', async () => {
  // Deliveries that end meanwhile raise numbers too, so both are tried until nothing else happens.
  await eventually(async () => {
    const before = await numbersNow();
    await changes['vote']?.(seededRandom(1, 'vote'), 0);
    const after = await numbersNow();
    expect(Number(after[0])).toBeGreaterThan(Number(before[0]));
    return after.slice(1).join() === before.slice(1).join();
  }, 'a vote that raises the number of its release only');

  for (const text of [
    `update releases set lease_until = now(), deadline_at = now() where status = 'RUNNING'`,
    'update credentials set last_used_at = now()',
    'update users set updated_at = now()',
    'update stages set reason = reason',
    'update memberships set role = role',
    'update release_intents set next_check_at = next_check_at',
  ]) {
    await eventually(async () => {
      const before = await numbersNow();
      const { rowCount } = await sql(text);
      expect(rowCount, text).toBeGreaterThan(0);
      return (await numbersNow()).join() === before.join();
    }, `no number raised by: ${text}`);
  }
});

test('a transaction waits for no other before its commit, whatever both change', async () => {
  const [one, two] = await Promise.all([app.context.db.pool.connect(), app.context.db.pool.connect()]);
  try {
    const before = await numbersNow();
    await one.query('begin');
    await two.query('begin');
    // In opposite orders: raised at once, the numbers would make each wait for the other.
    await one.query(`update environments set description = 'one' where name = 'staging'`);
    await two.query('update stages set reason = $2 where release_intent_id = $1', [waiting, 'two']);
    await one.query(`update approval_decisions set comment = 'one' where release_intent_id = $1`, [waiting]);
    await two.query(`update environments set description = 'two' where name = 'production'`);
    await two.query('commit');
    const between = await numbersNow();
    await one.query('commit');
    const after = await numbersNow();
    for (const which of [0, 2]) {
      expect(Number(between[which])).toBeGreaterThan(Number(before[which]));
      expect(Number(after[which])).toBeGreaterThan(Number(between[which]));
    }
    const { rowCount } = await sql('select from pending_changes');
    expect(rowCount).toBe(0);
  } finally {
    one.release();
    two.release();
  }
});

test('costs one small statement, and is only for the caller and the role that the answer was made for', async () => {
  const { found: cost } = await undisturbed(w.admin, waiting, async ({ etag }) => {
    statements.length = 0;
    await poll(w.admin, waiting, etag);
    // A try that is repeated leaves its statements behind.
    return statements.splice(0).filter((name) => /^(approvals|access)\./.test(name));
  });
  expect(cost.filter((name) => name !== 'access.touch_credential')).toEqual(['access.find_for_poll']);

  const member = w.reviewerTwo;
  const { now: theirs } = await undisturbed(member, waiting, async () => {});
  const { now: ours } = await undisturbed(w.admin, waiting, async () => {});
  expect(theirs.etag).not.toBe(ours.etag);
  expect((await poll(member, waiting, ours.etag)).status).toBe(200);
  expect((await poll(member, queued, theirs.etag)).status).toBe(200);

  const stranger = (await world(app)).admin;
  const refused = { etag: '', cacheControl: 'no-store' };
  expect(await poll(stranger, waiting, theirs.etag)).toMatchObject({ status: 404, ...refused });
  expect(await poll({ token: 'unknown' }, waiting, theirs.etag)).toMatchObject({ status: 401, ...refused });
  await w.setRole(member, 'admin');
  expect((await poll(member, waiting, theirs.etag)).status).toBe(200);
  await w.removeMember(member);
  expect(await poll(member, waiting, theirs.etag)).toMatchObject({ status: 404, ...refused });
  await w.addMember(member);
  const { now: again } = await undisturbed(member, waiting, async () => {});
  await sql('update credentials set revoked_at = now() where user_id = $1', [member.userId]);
  expect(await poll(member, waiting, again.etag)).toMatchObject({ status: 401, ...refused });
});

test('a browser’s session polls the same way on every server, and ends at once everywhere', async () => {
  const second = await startTestApp({ config: { databaseUrl: app.databaseUrl } });
  try {
    const credentials = { identifier: w.admin.username, password: PASSWORD };
    const { cookie } = await post(app, 'SessionService/SignIn', credentials);
    const ask = (url: string, etag: string) => get(pathOf(waiting), { cookie, 'if-none-match': etag }, url);
    // The clock of the second server is not ahead, so time has not changed the answer for it either.
    const { now, found } = await undisturbed(w.admin, waiting, ({ etag }) =>
      Promise.all([ask(app.url, etag), ask(second.url, etag)]),
    );
    expect(found.map(({ status }) => status)).toEqual([304, 304]);
    await sql(`update credentials set revoked_at = now() where kind = 'session'`);
    for (const { url } of [app, second]) expect((await ask(url, now.etag)).status).toBe(401);
  } finally {
    await second.stop();
  }
});

test('accepts the forms of If-None-Match, and answers everything else in full', async () => {
  const { now, found } = await undisturbed(w.author, waiting, async ({ etag }) => ({
    same: await poll(w.author, waiting, etag),
    strong: await poll(w.author, waiting, etag.replace('W/', '')),
    list: await poll(w.author, waiting, `"other", ${etag}`),
    any: await poll(w.author, waiting, '*'),
    other: await poll(w.author, waiting, '"other"'),
    deadline: await get(pathOf(waiting), {
      authorization: `Bearer ${w.author.token}`,
      'if-none-match': etag,
      'connect-timeout-ms': '60000',
    }),
  }));
  expect(now).toMatchObject({ status: 200, cacheControl: 'private, no-cache' });
  expect(found.same).toEqual({ ...now, status: 304, revision: '' });
  for (const one of [found.strong, found.list]) expect(one.status).toBe(304);
  for (const one of [found.any, found.other, found.deadline]) expect(one).toEqual(now);
});

test('an answer by POST has no ETag, and no other answer may be kept', async () => {
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${w.author.token}` };
  const posted = await fetch(`${app.url}${PATH}`, {
    method: 'POST',
    headers: { ...headers, 'if-none-match': '*' },
    body: JSON.stringify({ project: w.project, releaseIntentId: waiting }),
  });
  expect([posted.status, posted.headers.get('etag')]).toEqual([200, null]);
  const list = `/forest.v1.ReleaseService/GetArtifactsByProject?connect=v1&encoding=json&message=${encodeURIComponent(
    JSON.stringify({ project: w.project }),
  )}`;
  expect(await get(list, headers)).toMatchObject({ status: 200, etag: '', cacheControl: 'no-store' });
});

test('works over HTTP/2', async () => {
  const session = connect(app.url);
  const ask = (headers: Record<string, string>) =>
    new Promise<IncomingHttpHeaders>((resolve, reject) => {
      const stream = session.request({ ':path': pathOf(waiting), ...headers });
      stream.on('response', resolve).on('error', reject).resume();
    });
  try {
    const authorization = `Bearer ${w.author.token}`;
    const { now, found } = await undisturbed(w.author, waiting, ({ etag }) =>
      ask({ authorization, 'if-none-match': etag }),
    );
    expect([found[':status'], found.etag]).toEqual([304, now.etag]);
    const refused = await ask({ authorization: 'Bearer unknown', 'if-none-match': now.etag });
    expect([refused[':status'], refused.etag]).toEqual([401, undefined]);
  } finally {
    session.close();
  }
});
