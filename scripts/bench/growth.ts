import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { apiAt, signedIn } from '../api.ts';
import { cpuSeconds, parentOf } from './cpu-time.ts';
import { type Figure, median } from './figure.ts';
import { fillReleases, fillVotes, gateAll, intents, waitingIntents } from './growth-rows.ts';
import { type HttpLine, openHttpLine } from './http-line.ts';
import { type Place, withPlace } from './place.ts';
import { getRequest, postRequest } from './requests.ts';

const sizes = [1_000, 100_000, 1_000_000] as const;
const asked = 150;
const warmUp = 60;
const idleSeconds = 20;
const password = 'correct horse battery staple';
const organisation = 'bench';

/** `nothing` asks the database for nothing: how noisy the machine is while the others are measured. */
type Latencies = Record<'vote' | 'requirements' | 'waiting list' | 'nothing', number>;

interface Target {
  readonly id: string;
  readonly project: string;
}

/** The middle latency of requests sent one after another, in milliseconds; the first ones only warm up. */
async function latency(line: HttpLine, requests: readonly string[]): Promise<number> {
  const took: number[] = [];
  for (const request of requests) {
    const sent = performance.now();
    const answer = await line.send(request);
    if (answer.status !== 200) throw new Error(`answered ${answer.status}: ${answer.text()}`);
    took.push(performance.now() - sent);
  }
  return median(took.slice(warmUp));
}

/** One vote each on releases that wait and have one vote already; the same releases' requirements; the list of all. */
async function measure(
  url: string,
  token: string,
  targets: readonly Target[],
  word: string,
): Promise<Latencies> {
  const { hostname, port } = new URL(url);
  const line = await openHttpLine(hostname, Number(port));
  const about = ({ id, project }: Target) => ({
    project: { organisation, project },
    releaseIntentId: id,
  });
  const votes = targets.map((one) =>
    postRequest(url, 'PolicyService/ApproveRelease', token, {
      ...about(one),
      targetEnvironment: 'production',
      comment: word,
    }),
  );
  const reads = targets.map((one) =>
    getRequest(url, 'PolicyService/GetReleaseRequirements', token, about(one), null),
  );
  const lists = targets.map(() => getRequest(url, 'PolicyService/ListPendingApprovals', token, {}, null));
  const found = {
    vote: await latency(line, votes),
    requirements: await latency(line, reads),
    'waiting list': await latency(line, lists),
    nothing: await latency(
      line,
      targets.map(() => postRequest(url, 'StatusService/Status', token, {})),
    ),
  };
  line.end();
  return found;
}

/** Gives the tokens of the reviewers: of one who warms up the server, and of one for each size. */
async function setUp({ server }: Place): Promise<string[]> {
  const { url } = server;
  const founder = { username: 'founder', email: 'founder@example.com', password };
  await apiAt(url).sessions.setUp({ token: server.setUpToken ?? '', organisation, ...founder });
  const admin = await signedIn(url, 'founder', password);
  const environments = ['dev', 'test', 'qa', 'staging', 'production'];
  const type = { organisation: 'forage', name: 'noop', version: 1n };
  for (const [sortOrder, environment] of environments.entries()) {
    await admin.environments.createEnvironment({ organisation, name: environment, sortOrder });
    await admin.destinations.createDestination({
      organisation,
      environment,
      name: `${environment}-eu`,
      type,
    });
  }
  const { organisations } = await admin.organisations.listMyOrganisations({});
  const tokens: string[] = [];
  // Each has voted on nothing yet when it is measured with them, so that the list and the votes are the same.
  for (const size of ['first', ...sizes]) {
    const username = `reviewer-${size}`;
    const { user, tokens: given } = await apiAt(url).users.register({
      username,
      email: `${username}@example.com`,
      password,
    });
    const userId = user?.userId ?? '';
    const organisationId = organisations[0]?.organisationId ?? '';
    await admin.organisations.addMember({ organisationId, userId, role: 'member' });
    tokens.push(given?.accessToken ?? '');
  }
  return tokens;
}

const writes = `
  select pg_current_wal_lsn() - '0/0'::pg_lsn as wal, sum(n_tup_ins + n_tup_upd + n_tup_del) as rows
    from pg_stat_user_tables`;

/** 10,000 gated releases and nobody there. */
async function idle({ server }: Place, client: pg.Client): Promise<Figure[]> {
  const { rows: ids } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
  const postmaster = parentOf(ids[0]?.pid ?? 0);
  const look = async () => {
    const { rows } = await client.query(writes);
    const cpu = cpuSeconds(server.pid) + cpuSeconds(postmaster);
    return { cpu, wal: Number(rows[0]?.wal), rows: Number(rows[0]?.rows) };
  };
  // What filled the tables is counted and cleaned up after by PostgreSQL in its own time.
  await sleep(5_000);
  await client.query('select pg_stat_force_next_flush()');
  await sleep(1_000);
  const before = await look();
  await sleep(idleSeconds * 1000);
  const after = await look();
  const share = ((after.cpu - before.cpu) / idleSeconds) * 100;
  const written = after.rows - before.rows;
  return [
    {
      name: `${intents} gated releases and no change: server and PostgreSQL over ${idleSeconds} s`,
      measured: `${share.toFixed(2)} % of a core`,
      limit: 'less than 1 %',
      reached: share < 1,
    },
    {
      name: `${intents} gated releases and no change: rows written (${after.wal - before.wal} bytes of WAL)`,
      measured: `${written}`,
      limit: 'none',
      reached: written === 0,
    },
  ];
}

/**
 * What a vote, a release's page and the list of what waits cost as votes add up: 10,000 releases in 50 projects with 500
 * policies, 1,000 of which wait. Votes add up where they do in life, on releases that have ended; one that waits
 * has as many as before (one), or its answer would be longer, and the list of what waits as well.
 */
export async function growth(): Promise<Figure[]> {
  return withPlace(async (place) => {
    const { server, database } = place;
    const [first = '', ...tokens] = await setUp(place);
    const client = new pg.Client(database);
    await client.connect();
    try {
      const { rows } = await client.query<{ organisation: string; author: string }>(
        `select o.id as organisation, u.id as author from organisations o, users u where u.username = 'founder'`,
      );
      const { organisation: organisationId = '', author = '' } = rows[0] ?? {};
      await fillReleases(client, organisationId, author);
      const found: Latencies[] = [];
      for (const [index, size] of sizes.entries()) {
        const began = performance.now();
        await fillVotes(client, organisationId, size);
        const { rows: targets } = await client.query<Target>(
          `select i.id, p.name as project from release_intents i join projects p on p.id = i.project_id
            where i.status = 'ACTIVE' and p.name like 'grown-%' order by i.created_at limit $1`,
          [asked + warmUp],
        );
        const filled = (performance.now() - began) / 1000;
        // Or the smallest would be measured while the server is still cold, and make the others look good.
        if (index === 0) await measure(server.url, first, targets, 'to warm up');
        const here = await measure(server.url, tokens[index] ?? '', targets, `at ${size}`);
        const words = Object.entries(here).map(([name, value]) => `${name} ${value.toFixed(2)} ms`);
        console.log(`  ${size} votes (filled in ${filled.toFixed(0)} s): ${words.join(', ')}`);
        found.push(here);
      }
      console.log(
        `  ${waitingIntents} of ${intents} releases wait, with one vote each and one more by each reviewer that measures; all other votes are on releases that have ended`,
      );
      const growths = (['vote', 'requirements', 'waiting list'] as const).map((name): Figure => {
        const all = found.map((one) => one[name]);
        const smallest = Math.min(...all);
        const ratio = Math.max(...all) / smallest;
        return {
          name: `Growth of ${name}, at 1,000, 100,000 and 1,000,000 votes (median of ${asked}, one at a time)`,
          measured: `${all.map((one) => one.toFixed(2)).join(', ')} ms`,
          limit: `the largest at most 1.3 × the smallest (it is ${ratio.toFixed(2)})`,
          reached: ratio <= 1.3,
        };
      });
      await gateAll(client);
      return [...growths, ...(await idle(place, client))];
    } finally {
      await client.end();
    }
  });
}
