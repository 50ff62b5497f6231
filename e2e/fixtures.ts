import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { MessageInitShape } from '@bufbuild/protobuf';
import {
  type Browser,
  type BrowserContext,
  test as base,
  expect,
  type Locator,
  type Page,
} from 'playwright/test';
import { PolicyType } from '#server/gen/forest/v1/policies_pb.ts';
import type { PipelineStageSchema } from '#server/gen/forest/v1/release_pipelines_pb.ts';
import type { Artifact, BuildState } from '#server/gen/forest/v1/releases_pb.ts';
import { type Api, apiAt, signedIn } from '../scripts/api.ts';
import { type ServerProcess, startServer } from '../scripts/server-process.ts';

export { apiAt, expect };

/** A user, and the API called as that user. */
export interface Person {
  readonly userId: string;
  readonly username: string;
  readonly password: string;
  readonly api: Api;
}

/** A test's own organisation, with people, project, environments and destinations. */
export interface World {
  readonly url: string;
  readonly organisation: string;
  /** The API's `Project` message. */
  readonly project: { readonly organisation: string; readonly project: string };
  /** `admin` is the organisation's only admin; the others are members. */
  readonly people: Readonly<Record<'author' | 'reviewer' | 'reviewerTwo' | 'admin', Person>>;
  /** The address of a page below the project: `''`, `policies`, `releases/<slug>`… */
  page(path?: string): string;
  /** The author annotates a build. Its branch is `main` by default; null for none. */
  annotate(build?: { title?: string; branch?: string | null; version?: string }): Promise<Artifact>;
  /** The author releases an artifact to environments. Returns the intent's id. */
  release(artifact: Artifact, ...environments: string[]): Promise<string>;
  /** The author releases an artifact through a pipeline. Returns the intent's id. */
  releaseBy(pipeline: string, artifact: Artifact): Promise<string>;
  /** The admin creates an approval policy. */
  requireApprovals(environment: string, count: number, name?: string): Promise<void>;
  /** The admin creates a soak time policy. */
  soak(source: string, target: string, seconds: bigint, name?: string): Promise<void>;
  /** The admin creates a pipeline. */
  addPipeline(name: string, stages: readonly Stage[]): Promise<void>;
  /** Adds a noop destination: `seconds` makes its deployments slow, `fail: 'true'` makes them fail. */
  addDestination(environment: string, name: string, metadata?: Record<string, string>): Promise<void>;
  /** Creates an approval policy for production (2 approvals by default) and a release of a new build that waits for it. */
  gated(approvals?: number): Promise<Gated>;
}

/** A stage of a pipeline in a request. */
export type Stage = MessageInitShape<typeof PipelineStageSchema>;

/** A release that waits at the gate of production. */
export interface Gated {
  readonly artifact: Artifact;
  readonly intentId: string;
  /** The address of its page. */
  readonly address: string;
  /** Approves it through the API. */
  approve(person: Person, comment?: string): Promise<void>;
}

interface Fixtures {
  readonly world: World;
  /** Registers a user without an organisation. */
  readonly newcomer: () => Promise<Person>;
  /** Opens a page in a new browser context with these options, signed in as that person; closed after the test. */
  readonly browserOf: (person: Person, options?: ContextOptions) => Promise<Page>;
  /** Starts a server with an empty data folder, which the test may set up, stop and restart. */
  readonly ownServer: () => Promise<OwnServer>;
}

type ContextOptions = NonNullable<Parameters<Browser['newContext']>[0]>;

export interface OwnServer {
  readonly url: string;
  /** The printed set-up link. */
  readonly setUpAddress: string;
  stop(): Promise<void>;
  /** Restarts it at the same address with the same data. */
  restart(): Promise<void>;
}

interface WorkerFixtures {
  readonly server: ServerProcess;
  /** The server's first admin. */
  readonly founder: Api;
}

let count = 0;
const unique = (prefix: string) => `${prefix}-${process.pid}-${Date.now().toString(36)}-${count++}`;
/** The settings of the tests' servers. */
const settings = {
  FORAGE_REGISTRATION: 'open',
  DATABASE_URL: '',
  // Webhook receivers and all users are on this machine.
  WEBHOOK_ALLOW_PRIVATE: '1',
  RATE_LIMIT_PER_MINUTE: '100000',
};
export const password = 'correct horse battery staple';

async function register(url: string, username: string): Promise<Person> {
  const email = `${username}@example.com`;
  const { user, tokens } = await apiAt(url).users.register({ username, email, password });
  if (user === undefined || tokens === undefined) throw new Error('Register returned no user or no tokens');
  return { userId: user.userId, username, password, api: apiAt(url, tokens.accessToken) };
}

/** Signs in without the form: the browser context keeps the cookie. */
export async function signIn(page: Page | BrowserContext, url: string, person: Person): Promise<void> {
  const answer = await page.request.post(`${url}/forest.v1.SessionService/SignIn`, {
    data: { identifier: person.username, password: person.password },
  });
  expect(answer.status(), `${person.username} signs in`).toBe(200);
}

async function createWorld(url: string): Promise<World> {
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
      if (artifact === undefined) throw new Error('AnnotateRelease returned no artifact');
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

/** A build of a commit of its own, newer than those before. */
export async function build(world: World, version: string) {
  const { artifact } = await world.people.author.api.releases.annotateRelease({
    project: world.project,
    context: { title: `Version ${version}` },
    ref: { commitSha: version.replace(/\D/g, '').padEnd(40, '0'), branch: 'main', version },
  });
  if (artifact === undefined) throw new Error('AnnotateRelease returned no artifact');
  return artifact;
}

/** Waits until a build has a state on a destination. */
export const becomes = (world: World, artifactId: string, name: string, state: BuildState) =>
  expect
    .poll(async () => {
      const { releases } = world.people.author.api;
      const { destinations } = await releases.getDestinationStates({ ...world.project, artifactId });
      return destinations.find(({ destinationName }) => destinationName === name)?.buildState;
    })
    .toBe(state);

/** Opens the dialog of **Deploy…** on a release's page. */
export async function openDeploy(page: Page): Promise<Locator> {
  await page.getByRole('button', { name: 'Deploy…' }).click();
  return page.getByRole('dialog', { name: 'Deploy this release' });
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
 * A real server per worker, with its own data folder, and a new organisation per test, so that tests do not see each other's
 * data.
 */
export const test = base.extend<Fixtures, WorkerFixtures>({
  server: [
    // biome-ignore lint/correctness/noEmptyPattern: Playwright requires this pattern
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
    { scope: 'worker', timeout: 180_000 },
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
    // Registration requires a server that has been set up.
    await founder.users.tokenInfo({});
    await use(await createWorld(server.url));
  },

  newcomer: async ({ server, founder }, use) => {
    await founder.users.tokenInfo({});
    await use(() => register(server.url, unique('newcomer')));
  },

  browserOf: async ({ browser, server }, use) => {
    const contexts: BrowserContext[] = [];
    const violations: string[] = [];
    await use(async (person, options = {}) => {
      const context = await browser.newContext({ baseURL: server.url, ...options });
      contexts.push(context);
      context.on('console', (message) => {
        if (/Content Security Policy|Trusted(HTML|Script)/.test(message.text()))
          violations.push(message.text());
      });
      await signIn(context, server.url, person);
      return context.newPage();
    });
    for (const context of contexts) await context.close();
    expect(violations, 'violations of the Content-Security-Policy').toEqual([]);
  },

  // biome-ignore lint/correctness/noEmptyPattern: Playwright requires this pattern
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
        restart: async () => {
          server = await start(folder, new URL(url).port);
        },
      };
    });
    for (const server of running) await stop(server);
    for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  },
});
