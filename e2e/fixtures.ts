import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { type Browser, type BrowserContext, test as base, expect, type Page } from 'playwright/test';
import { PolicyType } from '#server/gen/forest/v1/policies_pb.ts';
import type { PipelineStageSchema } from '#server/gen/forest/v1/release_pipelines_pb.ts';
import type { Artifact } from '#server/gen/forest/v1/releases_pb.ts';
import { type Api, apiAt, signedIn } from '../scripts/api.ts';
import { type ServerProcess, startServer } from '../scripts/server-process.ts';

export { apiAt, expect };

/** Somebody with a password, and the API as they call it. */
export interface Person {
  readonly userId: string;
  readonly username: string;
  readonly password: string;
  readonly api: Api;
}

/** An organisation of one test's own, with its people and places. */
export interface World {
  readonly url: string;
  readonly organisation: string;
  /** As the API's `Project` message wants it. */
  readonly project: { readonly organisation: string; readonly project: string };
  /** `admin` is the organisation's only admin; the others are members. */
  readonly people: Readonly<Record<'author' | 'reviewer' | 'reviewerTwo' | 'admin', Person>>;
  /** The address of a page below the project: `''`, `policies`, `releases/<slug>`… */
  page(path?: string): string;
  /** The author annotates a build of branch `main`, unless another is named (null for none). */
  annotate(build?: { title?: string; branch?: string | null; version?: string }): Promise<Artifact>;
  /** The author releases an artifact straight to environments; answers the intent's id. */
  release(artifact: Artifact, ...environments: string[]): Promise<string>;
  /** The author releases an artifact through the pipeline of that name; answers the intent's id. */
  releaseBy(pipeline: string, artifact: Artifact): Promise<string>;
  /** An approval policy, made by the admin. */
  requireApprovals(environment: string, count: number, name?: string): Promise<void>;
  /** A soak time policy, made by the admin. */
  soak(source: string, target: string, seconds: bigint, name?: string): Promise<void>;
  /** A pipeline, made by the admin. */
  addPipeline(name: string, stages: readonly Stage[]): Promise<void>;
  /** One more noop destination: `seconds` makes its deployments slow, `fail: 'true'` makes them fail. */
  addDestination(environment: string, name: string, metadata?: Record<string, string>): Promise<void>;
  /** A release of a new build to production that waits for that many approvals: 2, unless said otherwise. */
  gated(approvals?: number): Promise<Gated>;
}

/** A stage of a pipeline, as the API takes it. */
export type Stage = MessageInitShape<typeof PipelineStageSchema>;

/** A release that stands at the gate of production. */
export interface Gated {
  readonly artifact: Artifact;
  readonly intentId: string;
  /** The address of its page. */
  readonly address: string;
  /** A vote on it through the API. */
  approve(person: Person, comment?: string): Promise<void>;
}

interface Fixtures {
  readonly world: World;
  /** Makes somebody who belongs to no organisation. */
  readonly newcomer: () => Promise<Person>;
  /**
   * Opens a browser (with its own cookies) in which that person is signed in; closed after the test. `look` is what a
   * browser context takes, as in `{ colorScheme: 'dark' }`.
   */
  readonly browserOf: (person: Person, look?: Look) => Promise<Page>;
  /** A server of the test's own with an empty data folder, to be set up, stopped or started again. */
  readonly ownServer: () => Promise<OwnServer>;
}

type Look = NonNullable<Parameters<Browser['newContext']>[0]>;

export interface OwnServer {
  readonly url: string;
  /** The address for the set-up that it printed. */
  readonly setUpAddress: string;
  stop(): Promise<void>;
  /** Starts it again at the same address with the same data. */
  startAgain(): Promise<void>;
}

interface WorkerFixtures {
  readonly server: ServerProcess;
  /** The server's first admin. */
  readonly founder: Api;
}

let made = 0;
const unique = (word: string) => `${word}-${process.pid}-${Date.now().toString(36)}-${made++}`;
/** What the tests' servers run with; the database is the embedded one. */
const settings = {
  FORAGE_REGISTRATION: 'open',
  DATABASE_URL: '',
  // The receivers of webhooks are on this machine, and all people come from it.
  WEBHOOK_ALLOW_PRIVATE: '1',
  RATE_LIMIT_PER_MINUTE: '100000',
};
export const password = 'correct horse battery staple';

async function register(url: string, username: string): Promise<Person> {
  const email = `${username}@example.com`;
  const { user, tokens } = await apiAt(url).users.register({ username, email, password });
  if (user === undefined || tokens === undefined) throw new Error('Register answered no user or no tokens');
  return { userId: user.userId, username, password, api: apiAt(url, tokens.accessToken) };
}

/** Signs a page's browser in without the form: the answer's cookie stays in the browser. */
export async function signIn(page: Page | BrowserContext, url: string, person: Person): Promise<void> {
  const answer = await page.request.post(`${url}/forest.v1.SessionService/SignIn`, {
    data: { identifier: person.username, password: person.password },
  });
  expect(answer.status(), `${person.username} signs in`).toBe(200);
}

async function settle(url: string): Promise<World> {
  const [author, reviewer, reviewerTwo, admin] = await Promise.all([
    register(url, unique('author')),
    register(url, unique('reviewer')),
    register(url, unique('reviewer-two')),
    register(url, unique('admin')),
  ]);
  const organisation = unique('org');
  const project = { organisation, project: 'shop' };
  const { organisationId } = await admin.api.organisations.createOrganisation({ name: organisation });
  for (const { userId } of [author, reviewer, reviewerTwo]) {
    await admin.api.organisations.addMember({ organisationId, userId, role: 'member' });
  }
  await admin.api.releases.createProject(project);
  for (const [index, [environment, ...destinations]] of [
    ['staging', 'staging-eu'],
    ['production', 'eu-west', 'us-east'],
  ].entries()) {
    const name = environment ?? '';
    await admin.api.environments.createEnvironment({ organisation, name, sortOrder: index + 1 });
    for (const destination of destinations) await addDestination(admin, organisation, name, destination);
  }
  const world: World = {
    url,
    organisation,
    project,
    people: { author, reviewer, reviewerTwo, admin },
    page: (path = '') => `${url}/orgs/${organisation}/projects/shop${path === '' ? '' : `/${path}`}`,
    async annotate({ title = 'Round totals half up', branch = 'main', version = '1.4.0' } = {}) {
      const { artifact } = await author.api.releases.annotateRelease({
        project,
        source: { user: author.username, sourceType: 'ci' },
        context: { title },
        ref: { commitSha: '5f0c1d2e3b4a59687786a5b4c3d2e1f001234567', branch: branch ?? undefined, version },
      });
      if (artifact === undefined) throw new Error('AnnotateRelease answered no artifact');
      return artifact;
    },
    async release({ artifactId }, ...environments) {
      const { intents } = await author.api.releases.release({ artifactId, environments });
      return intents[0]?.releaseIntentId ?? '';
    },
    async releaseBy(pipeline, { artifactId }) {
      const { intents } = await author.api.releases.release({ artifactId, usePipeline: true, pipeline });
      return intents[0]?.releaseIntentId ?? '';
    },
    async requireApprovals(environment, count, name = `approve-${environment}`) {
      await admin.api.policies.createPolicy({
        project,
        name,
        policyType: PolicyType.EXTERNAL_APPROVAL,
        config: { case: 'approval', value: { targetEnvironment: environment, requiredApprovals: count } },
      });
    },
    async soak(sourceEnvironment, targetEnvironment, durationSeconds, name = `soak-in-${sourceEnvironment}`) {
      await admin.api.policies.createPolicy({
        project,
        name,
        policyType: PolicyType.SOAK_TIME,
        config: { case: 'soakTime', value: { sourceEnvironment, targetEnvironment, durationSeconds } },
      });
    },
    async addPipeline(name, stages) {
      await admin.api.pipelines.createReleasePipeline({ project, name, stages: [...stages] });
    },
    addDestination: (environment, name, metadata) =>
      addDestination(admin, organisation, environment, name, metadata),
    async gated(approvals = 2) {
      await world.requireApprovals('production', approvals);
      const artifact = await world.annotate();
      const intentId = await world.release(artifact, 'production');
      return {
        artifact,
        intentId,
        address: world.page(`releases/${artifact.slug}`),
        async approve({ api }, comment) {
          const vote = { project, releaseIntentId: intentId, targetEnvironment: 'production', comment };
          await api.policies.approveRelease(vote);
        },
      };
    },
  };
  return world;
}

async function addDestination(
  admin: Person,
  organisation: string,
  environment: string,
  name: string,
  metadata: Record<string, string> = {},
): Promise<void> {
  const type = { organisation: 'forage', name: 'noop', version: 1n };
  await admin.api.destinations.createDestination({ organisation, environment, name, metadata, type });
}

/**
 * The real server, started once per worker with a data folder of its own, and a fresh organisation for each test: no
 * test sees what another one does.
 */
export const test = base.extend<Fixtures, WorkerFixtures>({
  server: [
    // biome-ignore lint/correctness/noEmptyPattern: Playwright reads a fixture's needs from this pattern
    async ({}, use) => {
      const folder = mkdtempSync(join(tmpdir(), 'forage-e2e-'));
      const server = await startServer(folder, settings);
      try {
        await use(server);
      } finally {
        await server.stop();
        rmSync(folder, { recursive: true, force: true });
      }
    },
    { scope: 'worker', timeout: 60_000 },
  ],

  founder: [
    async ({ server }, use) => {
      const username = 'founder';
      await apiAt(server.url).sessions.setUp({
        token: server.setUpToken ?? '',
        organisation: 'first',
        username,
        email: 'founder@example.com',
        password,
      });
      await use(await signedIn(server.url, username, password));
    },
    { scope: 'worker' },
  ],

  world: async ({ server, founder }, use) => {
    // An empty server takes nobody in before it is set up.
    await founder.users.tokenInfo({});
    await use(await settle(server.url));
  },

  newcomer: async ({ server, founder }, use) => {
    await founder.users.tokenInfo({});
    await use(() => register(server.url, unique('newcomer')));
  },

  browserOf: async ({ browser, server }, use) => {
    const contexts: BrowserContext[] = [];
    const refused: string[] = [];
    await use(async (person, look = {}) => {
      const context = await browser.newContext({ baseURL: server.url, ...look });
      contexts.push(context);
      context.on('console', (message) => {
        if (/Content Security Policy|Trusted(HTML|Script)/.test(message.text())) refused.push(message.text());
      });
      await signIn(context, server.url, person);
      return context.newPage();
    });
    for (const context of contexts) await context.close();
    expect(refused, 'no page asks for what its policy forbids').toEqual([]);
  },

  // biome-ignore lint/correctness/noEmptyPattern: Playwright reads a fixture's needs from this pattern
  ownServer: async ({}, use) => {
    const folders: string[] = [];
    const running = new Set<ServerProcess>();
    const start = async (folder: string, port = '0') => {
      const server = await startServer(folder, { ...settings, PORT: port });
      running.add(server);
      return server;
    };
    const stop = async (server: ServerProcess) => {
      running.delete(server);
      await server.stop();
    };
    await use(async () => {
      const folder = mkdtempSync(join(tmpdir(), 'forage-e2e-'));
      folders.push(folder);
      let server = await start(folder);
      const { url, setUpToken } = server;
      return {
        url,
        setUpAddress: `${url}/set-up?token=${setUpToken}`,
        stop: () => stop(server),
        startAgain: async () => {
          server = await start(folder, new URL(url).port);
        },
      };
    });
    for (const server of running) await stop(server);
    for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  },
});
