import { request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { lookAtPolls, type Poll } from '#server/features/approvals/poll-service.ts';
import { standings } from '#server/features/approvals/requirements-store.ts';
import { hashSecret } from '#server/features/credentials/secret.ts';
import { PolicyType } from '#server/gen/forest/v1/policies_pb.ts';
import { SessionService } from '#server/gen/forest/v1/sessions_pb.ts';
import { eventually, startTestApp, type TestApp } from './harness.ts';
import { ended, type Person, stateOf, type World, world } from './world.ts';

/*
 * A poll of a release's requirements that finds nothing new is answered by a look at who asks and at the versions of the rows
 * behind the answer. It must never say "nothing new" when the answer, made in full at that moment, would be another.
 */

let app: TestApp;
let w: World;
let ahead = 0;
const statements: string[] = [];
/** Releases that wait: for votes and a soak; behind others in a destination's queue. */
const watched: string[] = [];
let other: { artifactId: string };

const deploys = (name: string, environment: string, seconds: string) =>
  w.admin.destinations.createDestination({
    organisation: w.organisation,
    name,
    environment,
    type: { organisation: 'forage', name: 'noop', version: 1n },
    metadata: { seconds },
  });
const waits = (intentId: string, what: (state: Awaited<ReturnType<typeof stateOf>>) => boolean) =>
  eventually(async () => what(await stateOf(w, intentId)), `release ${intentId} to wait`);

beforeAll(async () => {
  const clock = {
    now: () => new Date(Date.now() + ahead),
    sleep: (ms: number, signal?: AbortSignal) => sleep(ms, undefined, { signal }),
  };
  app = await startTestApp({ clock, observeStatement: (name) => statements.push(name) });
  w = await world(app);
  await w.admin.environments.createEnvironment({ organisation: w.organisation, name: 'qa', sortOrder: 9 });
  await deploys('slow', 'qa', '3600');
  const { artifactId } = await w.artifact();
  await ended(w, await w.release(artifactId, ['staging']));
  await w.approvalPolicy(3, 'production', 'votes');
  await w.admin.policies.createPolicy({
    project: w.project,
    name: 'soak',
    policyType: PolicyType.SOAK_TIME,
    config: {
      case: 'soakTime',
      value: { sourceEnvironment: 'staging', targetEnvironment: 'production', durationSeconds: 1_800n },
    },
  });
  watched.push(await w.release(artifactId, ['production']));
  // Once it is asked for: it would be refused at once.
  for (const [name, branchPattern] of [
    ['main only', '^main$'],
    ['from no branch yet', '^only/'],
  ] as const) {
    await w.admin.policies.createPolicy({
      project: w.project,
      name,
      policyType: PolicyType.BRANCH_RESTRICTION,
      config: { case: 'branchRestriction', value: { targetEnvironment: 'production', branchPattern } },
    });
  }
  // The first takes the destination for an hour, the second stands in the queue before the watched one.
  const running = await w.release((await w.artifact()).artifactId, ['qa']);
  await waits(running, ({ steps }) => steps[0]?.status === 'RUNNING');
  other = await w.artifact();
  const before = await w.release(other.artifactId, ['qa']);
  await waits(before, ({ steps }) => steps[0]?.status === 'QUEUED');
  const behind = await w.release((await w.artifact()).artifactId, ['qa']);
  await waits(behind, ({ steps }) => steps[0]?.status === 'QUEUED');
  watched.push(behind);
});
afterAll(() => app.stop());

const PATH = '/forest.v1.PolicyService/GetReleaseRequirements';

interface Answer {
  readonly status: number;
  readonly etag: string;
}

/** `encoding` is another `Accept-Encoding` of the same meaning: another address for whoever remembers answers. */
function poll(by: Person, releaseIntentId: string, encoding: string, known?: string): Promise<Answer> {
  const message = encodeURIComponent(JSON.stringify({ project: w.project, releaseIntentId }));
  const headers: Record<string, string> = {
    authorization: `Bearer ${by.token}`,
    'accept-encoding': encoding,
    ...(known === undefined ? {} : { 'if-none-match': known }),
  };
  return new Promise((resolve, reject) => {
    const sent = request(
      `${app.url}${PATH}?connect=v1&encoding=json&message=${message}`,
      { headers },
      (got) => {
        got.resume();
        got.on('end', () => resolve({ status: got.statusCode ?? 0, etag: got.headers.etag ?? '' }));
      },
    );
    sent.on('error', reject);
    sent.end();
  });
}
const inFull = (by: Person, id: string) => poll(by, id, 'identity');
const polled = (by: Person, id: string, known: string) => poll(by, id, 'identity;q=1', known);

/** What was done to find an unchanged answer. */
async function costOf(work: () => Promise<unknown>): Promise<string[]> {
  statements.length = 0;
  await work();
  return statements.filter((name) => name.startsWith('approvals.') || name.startsWith('access.'));
}

/** Numbers from 0 to 1, the same for the same seed. */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const sql = (text: string, values: unknown[] = []) => app.context.db.pool.query(text, values);
let counter = 0;
let required = 0;
let left = 0;
let turned = 0;
let switched = 0;

/** Every kind of change that an answer can show. Some go past the API, as what it reads may one day be changed there too. */
const changes: Record<string, (chance: () => number) => Promise<unknown>> = {
  async vote(chance) {
    const by = chance() < 0.5 ? w.reviewer : w.admin;
    const vote = { project: w.project, releaseIntentId: watched[0] ?? '', targetEnvironment: 'production' };
    const comment = `word ${++counter}`;
    await (chance() < 0.5
      ? by.policies.approveRelease({ ...vote, comment })
      : by.policies.rejectRelease({ ...vote, comment }));
  },
  'required approvals': () =>
    w.admin.policies.updatePolicy({
      project: w.project,
      name: 'votes',
      config: {
        case: 'approval',
        value: { targetEnvironment: 'production', requiredApprovals: 3 + (++required % 5) },
      },
    }),
  'a policy switched off, or on': () =>
    w.admin.policies.updatePolicy({ project: w.project, name: 'main only', enabled: ++switched % 2 === 0 }),
  'a new policy': () => w.approvalPolicy(3, 'production', `also ${++counter}`),
  async 'a policy deleted'() {
    const { policies } = await w.admin.policies.listPolicies({ project: w.project });
    const name = policies.find((policy) => policy.name.startsWith('also'))?.name;
    if (name !== undefined) await w.admin.policies.deletePolicy({ project: w.project, name });
  },
  async 'a member gone, or back'() {
    const member = { organisationId: w.organisationId, userId: w.reviewerTwo.userId };
    if (++left % 2 === 1) await w.admin.organisations.removeMember(member);
    else await w.admin.organisations.addMember({ ...member, role: 'member' });
  },
  role: () =>
    w.admin.organisations.updateMemberRole({
      organisationId: w.organisationId,
      userId: w.reviewer.userId,
      role: ++turned % 2 === 0 ? 'member' : 'admin',
    }),
  'the name of a voter': () =>
    sql('update users set username = $2 where id = $1', [w.reviewerTwo.userId, `voter-${++counter}`]),
  'the name of the author': () =>
    sql('update users set username = $2 where id = $1', [w.author.userId, `author-${++counter}`]),
  'the order of environments': () => sql('update environments set sort_order = -sort_order'),
  'a new destination': () => deploys(`eu-${++counter}`, 'production', '0'),
  async 'a destination deleted'() {
    const { rows } = await sql(
      `select name from destinations where deleted_at is null and name like 'eu-_%'`,
    );
    const name = rows.find((row) => /^eu-\d/.test(row.name))?.name;
    if (name !== undefined)
      await w.admin.destinations.deleteDestination({ organisation: w.organisation, name });
  },
  'an artifact’s slug': () => sql('update artifacts set slug = slug || $1', [`${++counter}`]),
  'another artifact, of a branch that a pattern refuses': () => w.artifact(`feature/${++counter}`),
  'a stage’s words': () =>
    sql('update stages set reason = $1 where type = $2', [`word ${++counter}`, 'deploy']),
  'another release’s place in the queue': () =>
    sql(
      `update releases set queued_at = w.queued_at + (w.queued_at - releases.queued_at)
         from releases w where w.release_intent_id = $2 and releases.artifact_id = $1`,
      [other.artifactId, watched[1]],
    ),
  'the same artifact deployed again': async () => {
    const { rows } = await sql('select artifact_id from release_intents where id = $1', [watched[0]]);
    await w.author.releases.release({
      artifactId: rows[0]?.artifact_id ?? '',
      environments: ['staging'],
      force: true,
    });
  },
  async time(chance) {
    ahead = Math.floor(chance() * 28 * 60_000);
  },
  nothing: async () => {},
};

test('a poll never says that nothing is new when something is', { timeout: 120_000 }, async () => {
  const seed = Number(process.env['POLLS_SEED'] ?? 1);
  const chance = numbers(seed);
  const people = [w.author, w.reviewer, w.admin];
  const known = new Map<string, string>();
  const seen = new Set<string>();
  let found = 0;
  for (let round = 0; round < 4; round++) {
    const order = Object.keys(changes).sort(() => chance() - 0.5);
    for (const name of order) {
      await changes[name]?.(chance);
      for (const intent of watched) {
        for (const person of people) {
          const key = `${person.userId} ${intent}`;
          const last = known.get(key) ?? '"none"';
          // What goes on by itself meanwhile must not be taken for the poll's fault.
          const { truth, answer } = await eventually(async () => {
            const before = await inFull(person, intent);
            const between = await polled(person, intent, last);
            const after = await inFull(person, intent);
            return before.etag === after.etag && { truth: after, answer: between };
          }, 'a moment in which nothing happens');
          const about = `after "${name}", round ${round}, seed ${seed}`;
          expect(truth.status, about).toBe(200);
          expect(answer, about).toEqual({ status: last === truth.etag ? 304 : 200, etag: truth.etag });
          if (last !== truth.etag) seen.add(name);
          known.set(key, truth.etag);
          const cost = await costOf(() => polled(person, intent, truth.etag));
          if (cost.length === 1 && cost[0] === 'approvals.standings') found++;
        }
      }
    }
  }
  // A change that changes no answer would prove nothing, and so would polls that are all answered in full.
  expect(Object.keys(changes).filter((name) => name !== 'nothing' && !seen.has(name))).toEqual([]);
  expect(found).toBeGreaterThan(200);
});

test('costs one statement, and none of it for who is no longer let in', async () => {
  const [intent = ''] = watched;
  const stable = async (person: Person) => {
    const { etag } = await polled(person, intent, '"none"');
    return (await polled(person, intent, etag)).etag;
  };
  const etag = await stable(w.admin);
  await eventually(
    async () => (await costOf(() => polled(w.admin, intent, etag))).join() === 'approvals.standings',
    'a poll to cost one statement',
  );
  // The tag of somebody else's answer, or of another role, is not one's own.
  const member = w.reviewerTwo;
  const theirs = await stable(member);
  expect(theirs).not.toBe(etag);
  expect(await polled(member, intent, etag)).toEqual({ status: 200, etag: theirs });

  const who = { organisationId: w.organisationId, userId: member.userId };
  await w.admin.organisations.removeMember(who);
  expect(await polled(member, intent, theirs)).toEqual({ status: 404, etag: '' });
  await w.admin.organisations.addMember({ ...who, role: 'member' });
  const again = await stable(member);
  await sql('update credentials set revoked_at = now() where user_id = $1', [member.userId]);
  expect(await polled(member, intent, again)).toEqual({ status: 401, etag: '' });
});

test('a browser’s session polls the same way, and ends at once everywhere', async () => {
  const [intent = ''] = watched;
  const second = await startTestApp({ config: { databaseUrl: app.databaseUrl } });
  try {
    const signIn = await fetch(`${app.url}/${SessionService.typeName}/SignIn`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ identifier: w.admin.username, password: 'correct horse battery staple' }),
    });
    const cookie = signIn.headers.get('set-cookie')?.split(';', 1)[0] ?? '';
    const message = encodeURIComponent(JSON.stringify({ project: w.project, releaseIntentId: intent }));
    const ask = (url: string, etag?: string) =>
      fetch(`${url}${PATH}?connect=v1&encoding=json&message=${message}`, {
        headers: { cookie, ...(etag === undefined ? {} : { 'if-none-match': etag }) },
        cache: 'no-store',
      });
    const urls = [app.url, second.url];
    const tagOf = async (url: string) => (await ask(url)).headers.get('etag') ?? '';
    for (const url of urls) {
      const status = await eventually(async () => {
        const etag = await tagOf(url);
        const again = await ask(url, etag);
        return (await tagOf(url)) === etag && again.status;
      }, 'a moment in which nothing happens');
      expect(status).toBe(304);
    }
    const etag = (await ask(app.url)).headers.get('etag') ?? '';
    await sql(`update credentials set revoked_at = now() where kind = 'session'`);
    for (const url of urls) expect((await ask(url, etag)).status).toBe(401);
  } finally {
    await second.stop();
  }
});

test('many polls at once go together, and each is answered for itself', async () => {
  const [intent = ''] = watched;
  const people = [w.author, w.reviewer, w.admin];
  const many = Array.from({ length: 60 }, (_, index) => index % people.length);
  // The words of the soak change every minute by themselves.
  const { tags, answers } = await eventually(async () => {
    const full = () => Promise.all(people.map(async (person) => (await inFull(person, intent)).etag));
    const tags = await full();
    for (const [index, person] of people.entries()) await polled(person, intent, tags[index] ?? '');
    const answers = await Promise.all(
      many.map((index) => polled(people[index] ?? w.author, intent, tags[index] ?? '')),
    );
    return (await full()).join() === tags.join() && { tags, answers };
  }, 'a moment in which nothing happens');
  expect(answers).toEqual(many.map((index) => ({ status: 304, etag: tags[index] })));
});

test('what polls at once have in common is looked at once, and lets nobody in for another', async () => {
  const [first = '', second = ''] = watched;
  const elsewhere = await world(app);
  const foreign = await elsewhere.release((await elsewhere.artifact()).artifactId, ['staging']);
  const look = lookAtPolls(app.context);
  const poll = (by: Person, releaseIntentId: string, { project }: World = w): Poll => ({
    secretHash: hashSecret(by.token),
    ...project,
    releaseIntentId,
  });
  await eventually(async () => {
    const [one, two, again, theirs, ...refused] = await look([
      poll(w.reviewer, first),
      poll(w.reviewer, second),
      poll(w.admin, first),
      poll(elsewhere.reviewer, foreign, elsewhere),
      // Each of these differs from one above by who asks, for what or where.
      poll(elsewhere.reviewer, first),
      poll(w.reviewer, foreign),
      poll(w.reviewer, foreign, elsewhere),
      poll(elsewhere.reviewer, first, elsewhere),
      { ...poll(w.reviewer, first), secretHash: hashSecret('made up') },
    ]);
    expect(refused).toEqual([null, null, null, null, null]);
    expect([one, two, again, theirs].map((standing) => standing?.authorized.caller.userId)).toEqual(
      [w.reviewer, w.reviewer, w.admin, elsewhere.reviewer].map(({ userId }) => userId),
    );
    expect(again?.authorized.scope.role).toBe('admin');
    expect(new Set([one, two, theirs].map((standing) => standing?.fingerprint)).size).toBe(3);
    // What is released meanwhile is another moment.
    return one?.fingerprint === again?.fingerprint;
  }, 'two to be told of one moment');
});

test('fingerprints are told again once something was written, and not while nothing is', async () => {
  const [intent = ''] = watched;
  const { db, clock } = app.context;
  const { organisation, project } = w.project;
  const ask = async (known: string | null) => {
    const who = [[hashSecret(w.reviewer.token)], [organisation], [project]] as const;
    const [row] = await db.run(standings, [...who, [intent], clock.now(), known]);
    if (row === undefined) throw new Error('no row');
    return { ...row, told: row.askers.map(({ fingerprint }) => fingerprint), who: row.askers.length };
  };
  const first = await eventually(async () => {
    const before = await ask(null);
    const after = await ask(before.snapshot);
    expect([before.who, before.intents.length, after.who]).toEqual([1, 1, 1]);
    return after.snapshot === before.snapshot && { before, after };
  }, 'a moment in which nothing is written');
  expect([first.after.told, first.after.intents]).toEqual([[null], []]);
  await sql('update artifacts set title = title where id = $1', [other.artifactId]);
  const after = await ask(first.before.snapshot);
  expect(after.intents).toHaveLength(1);
  expect(after.told).toEqual([expect.any(String)]);
  expect(after.told).not.toEqual(first.before.told);
});
