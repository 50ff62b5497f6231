import { spawnSync } from 'node:child_process';
import { readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { apiAt, signedIn } from './api.ts';
import { withFolder } from './bench/temporary.ts';
import { root, toolEnvironment } from './run.ts';
import { startServer } from './server-process.ts';

const page = readFileSync(join(root, 'docs/clients.md'), 'utf8');
/** The shell commands below a heading of docs/clients.md. */
const commandsOf = (heading: string) => {
  const [, commands = ''] = new RegExp(`^## ${heading}$.*?^\`\`\`sh\n(.*?)^\`\`\``, 'ms').exec(page) ?? [];
  return commands;
};

test('the TypeScript commands of docs/clients.md generate a client that works', {
  timeout: 300_000,
}, async () => {
  const copy = /^cp -r .*$/m.exec(page)?.[0] ?? '';
  const [generate, ...others] = commandsOf('TypeScript')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('npm install'));
  expect([copy, generate, others]).toEqual([
    expect.stringContaining('proto-vendor'),
    'npx buf generate',
    ['node client.ts acme checkout'],
  ]);

  await withFolder(async (folder) => {
    // In place of the page's `npm install`: the packages of this repository.
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
    writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
    const server = await startServer(join(folder, 'data'), { DATABASE_URL: '' });
    try {
      const founder = {
        username: 'admin',
        email: 'admin@example.com',
        password: 'correct horse battery staple',
      };
      const token = server.setUpToken ?? '';
      await apiAt(server.url).sessions.setUp({ token, organisation: 'acme', ...founder });
      const project = { organisation: 'acme', project: 'checkout' };
      const admin = await signedIn(server.url, founder.username, founder.password);
      await admin.releases.createProject(project);
      await admin.environments.createEnvironment({ organisation: 'acme', name: 'staging' });
      const type = { organisation: 'forage', name: 'noop', version: 1n };
      const metadata = { seconds: '3600' };
      const destination = { organisation: 'acme', environment: 'staging', name: 'eu', type, metadata };
      await admin.destinations.createDestination(destination);
      const build = { project, context: { title: 'Build' }, ref: { commitSha: 'a'.repeat(40) } };
      const { artifact } = await admin.releases.annotateRelease(build);
      const request = { artifactId: artifact?.artifactId ?? '', environments: ['staging'] };
      const { intents } = await admin.releases.release(request);

      const { tokens } = await apiAt(server.url).users.login({
        identifier: { case: 'username', value: founder.username },
        password: founder.password,
      });
      const { status, stdout, stderr } = spawnSync('sh', ['-ec', [copy, generate, ...others].join('\n')], {
        cwd: folder,
        encoding: 'utf8',
        env: toolEnvironment({ FORAGE: root, FORAGE_URL: server.url, FORAGE_TOKEN: tokens?.accessToken }),
      });
      expect({ status, stdout }, stderr).toEqual({
        status: 0,
        stdout: expect.stringContaining(`${intents[0]?.releaseIntentId} ${artifact?.slug}`),
      });
    } finally {
      await server.stop();
    }
  });
});
