import { execFile, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PolicyType } from '#server/gen/forest/v1/policies_pb.ts';
import { ReleaseIntentStatus } from '#server/gen/forest/v1/releases_pb.ts';
import { type Api, apiAt, signedIn } from './api.ts';
import { ensureTool } from './debian-package.ts';
import { root } from './run.ts';
import { type ServerProcess, startServer } from './server-process.ts';

const password = 'correct horse battery staple';
const project = { organisation: 'acme', project: 'checkout' };

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

describe('examples/', { timeout: 60_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'forage-examples-'));
  const checkout = join(folder, 'checkout');
  const author = ['-c', 'user.name=author', '-c', 'user.email=author@example.com'];
  const git = (...args: string[]) => promisify(execFile)('git', ['-C', checkout, ...args]);
  let server: ServerProcess;
  let admin: Api;
  let reviewer: Api;
  let token = '';

  /** Runs a script of examples/. `onOutput` is called at each new output, with the whole output so far. */
  async function run(
    script: string,
    settings: NodeJS.ProcessEnv,
    onOutput: (stdout: string) => void = () => {},
  ): Promise<Ended> {
    const env = {
      ...process.env,
      FORAGE_URL: server.url,
      FORAGE_ORGANISATION: 'acme',
      FORAGE_PROJECT: 'checkout',
      FORAGE_POLL_SECONDS: '0.1',
      FORAGE_BRANCH: 'main',
      ...settings,
    };
    const child = spawn('sh', [join(root, 'examples', script)], { cwd: checkout, env });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
      onOutput(stdout);
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    const code = await new Promise<number>((done) => child.on('close', (status) => done(status ?? -1)));
    return { code, stdout, stderr };
  }
  const release = (settings: NodeJS.ProcessEnv, onOutput?: (stdout: string) => void) =>
    run('release.sh', { FORAGE_TOKEN: token, ...settings }, onOutput);
  const createToken = (secret: string) =>
    run('create-token.sh', { FORAGE_ADMIN: 'admin', FORAGE_PASSWORD: secret });
  const setMetadata = (metadata: Record<string, string>) =>
    admin.destinations.updateDestination({ organisation: 'acme', name: 'staging-eu', metadata });
  const intentsOf = async () => {
    const request = { ...project, includeCompleted: true, pageSize: 500 };
    return (await admin.releases.getReleaseIntentStates(request)).releaseIntents;
  };

  beforeAll(async () => {
    for (const tool of ['curl', 'jq', 'git']) ensureTool(tool);
    spawnSync('git', ['init', '--quiet', checkout]);
    const title = `Quote "it" and \\escape it $(touch injected) ${'x'.repeat(200)}`;
    await git(...author, 'commit', '--quiet', '--allow-empty', '--message', title);

    server = await startServer(join(folder, 'data'), { DATABASE_URL: '', FORAGE_REGISTRATION: 'open' });
    const founder = { organisation: 'acme', username: 'admin', email: 'admin@example.com', password };
    await apiAt(server.url).sessions.setUp({ token: server.setUpToken ?? '', ...founder });
    admin = await signedIn(server.url, 'admin', password);
    const email = 'reviewer@example.com';
    const { user } = await apiAt(server.url).users.register({ username: 'reviewer', email, password });
    const { organisation } = await admin.organisations.getOrganisation({
      identifier: { case: 'name', value: 'acme' },
    });
    const organisationId = organisation?.organisationId ?? '';
    await admin.organisations.addMember({ organisationId, userId: user?.userId ?? '', role: 'member' });
    reviewer = await signedIn(server.url, 'reviewer', password);

    await admin.releases.createProject(project);
    const type = { organisation: 'forage', name: 'noop', version: 1n };
    for (const [sortOrder, environment] of ['staging', 'production'].entries()) {
      await admin.environments.createEnvironment({ organisation: 'acme', name: environment, sortOrder });
      const destination = { organisation: 'acme', environment, name: `${environment}-eu`, type };
      await admin.destinations.createDestination(destination);
    }
    const approval = { targetEnvironment: 'production', requiredApprovals: 1 };
    await admin.policies.createPolicy({
      project,
      name: 'one-approval',
      policyType: PolicyType.EXTERNAL_APPROVAL,
      config: { case: 'approval', value: approval },
    });
    const branches = { targetEnvironment: 'staging', branchPattern: '^main$' };
    await admin.policies.createPolicy({
      project,
      name: 'main-only',
      policyType: PolicyType.BRANCH_RESTRICTION,
      config: { case: 'branchRestriction', value: branches },
    });
    token = (await createToken(password)).stdout.trim();
  }, 60_000);

  afterAll(async () => {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  test('create-token.sh prints a token, also when the service account exists', async () => {
    expect(token).toMatch(/^forage_b_\S+$/);
    const again = await createToken(password);
    expect(again).toMatchObject({ code: 0, stderr: '' });
    expect(again.stdout.trim()).not.toBe(token);
  });

  test('create-token.sh fails with the reason for a wrong password', async () => {
    const { code, stdout, stderr } = await createToken('wrong horse battery staple');
    expect(code).toBe(1);
    expect(stdout).toBe('');
    expect(stderr).toMatch(/UsersService\/Login failed: .+ \(unauthenticated\)/);
  });

  test('releases to environments and exits 0', async () => {
    const { code, stdout, stderr } = await release({ FORAGE_ENVIRONMENTS: 'staging' });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^Requested release [0-9a-f-]{36}: http.+\/releases\/\S+$/m);
    expect(stdout).toMatch(/^Released\.$/m);
    expect((await intentsOf())[0]?.actorUsername).toBe('ci (service account)');
  });

  test('sends the commits since the live build, and the address of the repository without credentials', async () => {
    await git('remote', 'add', 'origin', 'https://ci:hunter2@github.com/acme/checkout.git');
    const hostile = `Quote "it" and \\escape it $(touch injected)`;
    const trailers =
      'Co-authored-by: Reviewer <reviewer@example.com>\nCo-authored-by: Robot <robot@ci.example>';
    await git(...author, 'commit', '--quiet', '--allow-empty', '--allow-empty-message', '--message', '');
    await git(...author, 'commit', '--quiet', '--allow-empty', '--message', `${hostile}\n\n${trailers}`);
    expect(await release({ FORAGE_ENVIRONMENTS: 'staging' })).toMatchObject({ code: 0, stderr: '' });
    const [second, first] = await intentsOf();
    const compare = (artifactId = '') =>
      admin.releases.getReleaseComparison({ project, artifactId, environment: 'staging' });
    // Seen from the first build, the live one has two commits more.
    const found = await compare(first?.artifactId);
    expect(found).toMatchObject({ commitsComplete: true, commitsTotal: 2 });
    expect(found.commits.map(({ title }) => title)).toEqual([hostile, '(no message)']);
    expect(found.contributors.map(({ name, username }) => [name, username])).toEqual([
      ['author', undefined],
      ['Reviewer', 'reviewer'],
      ['Robot', undefined],
    ]);
    const { artifact } = await admin.releases.getArtifactBySlug({ slug: second?.slug ?? '' });
    expect(artifact?.ref?.repoUrl).toBe('https://github.com/acme/checkout.git');
    expect(found.compareUrl).toBeUndefined();
  });

  test('a project without a pipeline is refused with the reason', async () => {
    const { code, stderr } = await release({});
    expect(code).toBe(1);
    expect(stderr).toMatch(/^Release failed: .*pipeline.* \(failed_precondition\)$/m);
  });

  test('a forbidden branch is refused with the name of the policy', async () => {
    const { code, stdout, stderr } = await release({
      FORAGE_ENVIRONMENTS: 'staging',
      FORAGE_BRANCH: 'feature',
    });
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain('main-only');
  });

  test('exits 2 without a branch', async () => {
    spawnSync('git', ['-C', checkout, 'checkout', '--quiet', '--detach']);
    expect(await release({ FORAGE_BRANCH: '' })).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('FORAGE_BRANCH'),
    });
  });

  test('exits 3 with the reason when the release fails', async () => {
    await setMetadata({ fail: 'true', fail_message: 'no space left' });
    const { code, stderr } = await release({ FORAGE_ENVIRONMENTS: 'staging' });
    await setMetadata({});
    expect(code).toBe(3);
    expect(stderr).toMatch(/^Failed: .*no space left/);
  });

  test('exits 5 when the release still waits at the timeout', async () => {
    const { code, stdout, stderr } = await release({
      FORAGE_ENVIRONMENTS: 'production',
      FORAGE_TIMEOUT_SECONDS: '0',
    });
    expect(code).toBe(5);
    expect(stdout).toContain('awaiting approval: 0/1');
    expect(stderr).toContain('Still waiting after 0 seconds');
  });

  test('follows its own release, reports a rejection while it waits, and exits 4 after a cancellation', async () => {
    const steps: (() => Promise<unknown>)[] = [];
    const vote = { project, targetEnvironment: 'production' };
    const { code, stdout, stderr } = await release({ FORAGE_ENVIRONMENTS: 'production' }, (printed) => {
      const intentId = /Requested release (\S+):/.exec(printed)?.[1];
      if (intentId !== undefined && printed.includes('0/1') && steps.length === 0) {
        steps.push(async () => {
          // The same build is deployed to another environment, which is not the outcome of this job.
          const own = (await intentsOf()).find((one) => one.releaseIntentId === intentId);
          const request = { artifactId: own?.artifactId ?? '', environments: ['staging'] };
          const { intents } = await admin.releases.release(request);
          const states = admin.releases.waitRelease({ releaseIntentId: intents[0]?.releaseIntentId ?? '' });
          for await (const _ of states);
          await reviewer.policies.rejectRelease({ ...vote, releaseIntentId: intentId, comment: 'Not today' });
        });
        void steps[0]?.();
      }
      if (intentId !== undefined && printed.includes('Rejected') && steps.length === 1) {
        steps.push(() => admin.releases.cancelRelease({ releaseIntentId: intentId, reason: 'Superseded' }));
        void steps[1]?.();
      }
    });
    expect(code).toBe(4);
    expect(stdout).toContain('Rejected for production by "reviewer": "Not today".');
    expect(stdout).not.toContain('Released.');
    expect(stderr).toMatch(/Cancelled: .*Superseded/);
  });

  test('world.mjs creates a release that deploys after two approvals', async () => {
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [join(root, 'examples/world.mjs'), server.url],
      { encoding: 'utf8' },
    );
    const world = JSON.parse(stdout);
    type Approve = (world: object, person: object, comment?: string) => Promise<{ state: object }>;
    const { approve }: { approve: Approve } = await import(
      pathToFileURL(join(root, 'examples/world.mjs')).href
    );
    await expect(approve(world, world.people.author)).rejects.toMatchObject({ code: 'permission_denied' });
    const first = await approve(world, world.people.reviewer, 'Checked');
    expect(first.state).toMatchObject({ currentApprovals: 1, requiredApprovals: 2 });
    await approve(world, world.people.reviewerTwo);
    const { releaseIntentId, people } = world;
    let last = '';
    const asAuthor = apiAt(server.url, people.author.accessToken).releases;
    for await (const { event } of asAuthor.waitRelease({ releaseIntentId })) {
      if (event.case === 'stageUpdate') last = event.value.status;
    }
    expect(last).toBe('SUCCEEDED');
  });

  describe('with a pipeline', () => {
    beforeAll(async () => {
      await admin.pipelines.createReleasePipeline({
        project,
        name: 'to-staging',
        stages: [{ id: 'staging', config: { case: 'deploy', value: { environment: 'staging' } } }],
      });
    });

    test('releases through the only pipeline and exits 0', async () => {
      expect(await release({})).toMatchObject({ code: 0, stdout: expect.stringContaining('Released.') });
    });

    /** A proxy that forwards requests, and drops the response to the first Release or sends that request twice. */
    async function lossyProxy(fault: 'loses the answer' | 'sends it twice'): Promise<Server> {
      let done = false;
      const proxy = createServer(async (request, response) => {
        const chunks: Uint8Array[] = [];
        for await (const chunk of request) chunks.push(chunk);
        const body = Buffer.concat(chunks);
        const headers = {
          authorization: request.headers.authorization ?? '',
          'content-type': 'application/json',
        };
        const send = () => fetch(`${server.url}${request.url}`, { method: 'POST', headers, body });
        let answer = await send();
        if (request.url?.endsWith('/Release') && !done) {
          done = true;
          if (fault === 'loses the answer') return void response.destroy();
          answer = await send();
        }
        response
          .writeHead(answer.status, { 'content-type': 'application/json' })
          .end(Buffer.from(await answer.arrayBuffer()));
      });
      await new Promise<void>((ready) => proxy.listen(0, '127.0.0.1', ready));
      return proxy;
    }

    test.each([
      ['loses the answer', {}],
      ['loses the answer', { FORAGE_ENVIRONMENTS: 'staging' }],
      ['sends it twice', {}],
    ] as const)('continues with the release under way when the network %s (%o)', async (fault, target) => {
      await setMetadata({ seconds: '1' });
      const before = (await intentsOf()).length;
      const proxy = await lossyProxy(fault);
      const url = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
      const { code, stdout } = await release({ FORAGE_URL: url, ...target });
      proxy.close();
      expect(code).toBe(0);
      const intents = await intentsOf();
      expect(intents).toHaveLength(before + 1);
      expect(stdout).toContain(`Requested release ${intents[0]?.releaseIntentId}`);
      expect(intents[0]?.status).toBe(ReleaseIntentStatus.SUCCEEDED);
    });
  });
});
