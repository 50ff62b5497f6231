import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Api, apiAt, signedIn } from './api.ts';
import { root } from './run.ts';
import { type ServerProcess, startServer } from './server-process.ts';

const readme = readFileSync(join(root, 'README.md'), 'utf8');
const password = 'correct horse battery staple';
const project = { organisation: 'acme', project: 'checkout' };
// What the job itself calls; without them there is nothing to try, and `npm test` names these tests as not run.
const equipped =
  spawnSync('curl', ['--version']).status === 0 &&
  spawnSync('git', ['rev-parse', 'HEAD'], { cwd: root }).status === 0;

describe.skipIf(!equipped)("the README's CI job, as it is printed", () => {
  const folder = mkdtempSync(join(tmpdir(), 'forage-readme-'));
  let server: ServerProcess;
  let admin: Api;

  const destination = async (metadata: Record<string, string>) => {
    await admin.destinations.updateDestination({ organisation: 'acme', name: 'staging-eu', metadata });
  };
  /** Made as the README says, once for all jobs. */
  let token: Promise<string>;
  const makeToken = async () => {
    const [, script = ''] = /<!-- ci-token -->\s*```sh\n(.*?)```/s.exec(readme) ?? [];
    expect(script).toContain('CreateServiceAccountToken');
    const env = { ...process.env, FORAGE_URL: server.url, FORAGE_ADMIN: 'admin', FORAGE_PASSWORD: password };
    const { stdout } = await promisify(execFile)('sh', ['-c', script], { cwd: root, env });
    expect(stdout).toMatch(/^forage_b_\S+\s*$/);
    return stdout.trim();
  };
  const job = async () => {
    const [, script = ''] = /<!-- ci-job -->\s*```sh\n(.*?)```/s.exec(readme) ?? [];
    expect(script).toContain('AnnotateRelease');
    const env = { ...process.env, FORAGE_URL: server.url, FORAGE_TOKEN: await token };
    return promisify(execFile)('sh', ['-c', script.replace('sleep 5', 'sleep 0.2')], { cwd: root, env });
  };

  beforeAll(async () => {
    server = await startServer(folder, { DATABASE_URL: '' });
    const founder = { organisation: 'acme', username: 'admin', email: 'admin@example.com', password };
    await apiAt(server.url).sessions.setUp({ token: server.setUpToken ?? '', ...founder });
    admin = await signedIn(server.url, 'admin', password);
    await admin.releases.createProject(project);
    await admin.environments.createEnvironment({ organisation: 'acme', name: 'staging', sortOrder: 1 });
    const type = { organisation: 'forage', name: 'noop', version: 1n };
    await admin.destinations.createDestination({
      organisation: 'acme',
      environment: 'staging',
      name: 'staging-eu',
      type,
    });
    await admin.pipelines.createReleasePipeline({
      project,
      name: 'to-staging',
      stages: [{ id: 'staging', config: { case: 'deploy', value: { environment: 'staging' } } }],
    });
    token = makeToken();
    await token;
  }, 60_000);

  afterAll(async () => {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  test('annotates, releases, waits, and says that it went well', { timeout: 30_000 }, async () => {
    await destination({ seconds: '1' });
    const { stdout } = await job();
    expect(stdout).toMatch(/Release [0-9a-f-]{36} asked for/);
    expect(stdout).toContain('Released.');
    const { releaseIntents } = await admin.releases.getReleaseIntentStates({
      organisation: 'acme',
      includeCompleted: true,
    });
    expect(releaseIntents[0]?.actorUsername).toBe('ci (service account)');
  });

  test('ends with an error when the release fails', { timeout: 30_000 }, async () => {
    await destination({ fail: 'true', fail_message: 'no room left' });
    await expect(job()).rejects.toMatchObject({ code: 1, stderr: expect.stringContaining('no room left') });
  });
});

test('the README names every setting', () => {
  const config = readFileSync(join(root, 'server/config.ts'), 'utf8');
  const settings = [...config.matchAll(/'([A-Z]+(?:_[A-Z]+)*)'/g)].map(([, name]) => name ?? '');
  expect(settings.length).toBeGreaterThan(8);
  for (const name of settings) expect(readme).toContain(`\`${name}\``);
});
