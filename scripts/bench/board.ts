import pg from 'pg';
import { apiAt, signedIn } from '../api.ts';
import { fillBoard, newerBuilds, projects } from './board-rows.ts';
import type { Figure } from './figure.ts';
import { growthFigure, latencies } from './latency.ts';
import { getRequest } from './requests.ts';
import { type Testbed, withTestbed } from './testbed.ts';

export const organisation = 'bench';
export const founder = 'founder';
const password = 'correct horse battery staple';
const environments = ['dev', 'test', 'qa', 'load', 'staging', 'canary', 'production', 'archive'];
export const size = `${projects} projects × ${environments.length} environments`;
/** Deployments of each project to each environment: 1,600 and 1,000,000 in all. */
const sizes = [1, 625] as const;

interface FilledServer {
  readonly url: string;
  readonly token: string;
  /** The newest build of a project. */
  readonly build: { readonly id: string; readonly project: string };
}

/** Fills a server with the board's projects, each deployed `past` times to each environment. */
export async function fill({ server, database }: Testbed, past: number): Promise<FilledServer> {
  const began = performance.now();
  const { url } = server;
  const person = { username: founder, email: 'founder@example.com', password };
  await apiAt(url).sessions.setUp({ token: server.setUpToken ?? '', organisation, ...person });
  const admin = await signedIn(url, founder, password);
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
  const identifier = { case: 'username', value: founder } as const;
  const { user, tokens } = await apiAt(url).users.login({ identifier, password });
  const { organisations } = await admin.organisations.listMyOrganisations({});
  const client = new pg.Client(database);
  await client.connect();
  try {
    await fillBoard(client, organisations[0]?.organisationId ?? '', user?.userId ?? '', past);
    const { rows } = await client.query<FilledServer['build']>(
      `select a.id, p.name as project from artifacts a join projects p on p.id = a.project_id
        where p.name like 'board-%' order by a.build_order desc, p.name limit 1`,
    );
    const deployments = projects * environments.length * past;
    console.log(`  Inserted ${deployments} releases in ${((performance.now() - began) / 1000).toFixed(0)} s`);
    return { url, token: tokens?.accessToken ?? '', build: rows[0] ?? { id: '', project: '' } };
  } finally {
    await client.end();
  }
}

/** Runs `work` with a server for each size, and removes them afterwards. */
async function withFilledServers<T>(
  [size, ...more]: readonly number[],
  work: (all: readonly FilledServer[]) => Promise<T>,
  before: readonly FilledServer[] = [],
): Promise<T> {
  return withTestbed(async (testbed) => {
    const all = [...before, await fill(testbed, size ?? 0)];
    return more.length === 0 ? work(all) : withFilledServers(more, work, all);
  });
}

/** The cost of the whole board and of a comparison as the number of past releases grows; the answers stay the same. */
export async function board(): Promise<Figure[]> {
  return withFilledServers(sizes, async (all) => {
    const whole = await latencies(all, { requests: 25, warmUp: 10 }, ({ url, token }) =>
      getRequest(url, 'ReleaseService/GetDeploymentBoard', token, { organisation, pageSize: 500 }, null),
    );
    const compared = await latencies(all, { requests: 100, warmUp: 40 }, ({ url, token, build }) => {
      const about = { project: { organisation, project: build.project }, artifactId: build.id };
      const message = { ...about, environment: 'production' };
      return getRequest(url, 'ReleaseService/GetReleaseComparison', token, message, null);
    });
    const past = 'at 1,600 and 1,000,000 past releases';
    return [
      growthFigure(`Growth of the board of ${size}, ${past} (median of 25)`, whole),
      growthFigure(`Growth of a comparison over ${newerBuilds} builds, ${past} (median of 100)`, compared),
    ];
  });
}
