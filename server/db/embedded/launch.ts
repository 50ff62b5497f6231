import { open, readFile, rename, stat } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { EmbeddedStartError, wordsOf } from './errors.ts';
import { readPostmaster } from './postmaster.ts';
import { serverArguments } from './settings.ts';
import type { Child, Site } from './site.ts';

const LOG_LIMIT_BYTES = 5_000_000;

/**
 * Starts a PostgreSQL server and waits until it accepts connections or has ended. It logs to a file rather than a pipe,
 * so that it keeps its log if this process is killed.
 *
 * @returns the running server, or in `failure` the line by which it explained why it ended.
 */
export async function launch(site: Site, deadline: number): Promise<{ child: Child } | { failure: string }> {
  await rotate(site.logFile);
  const logFile = await open(site.logFile, 'a', 0o600);
  const { size: before } = await logFile.stat();
  const args = serverArguments(site.folder, site.endpoint);
  const child = site.launcher.spawn(site.binaries.postgres, args, ['ignore', logFile.fd, logFile.fd]);
  let spawnFailure: string | undefined;
  const started: Child = { process: child, pid: child.pid ?? 0, ended: false };
  child.once('error', (error) => {
    spawnFailure = wordsOf(error);
    started.ended = true;
  });
  child.once('exit', () => {
    started.ended = true;
  });
  // The database must not keep this process alive; whoever wants it stopped calls stop().
  child.unref();
  await logFile.close();

  while (!started.ended) {
    const found = await readPostmaster(site.folder);
    if (found?.pid === started.pid && found.ready) return { child: started };
    if (Date.now() > deadline) {
      child.kill('SIGQUIT');
      throw new EmbeddedStartError(
        `PostgreSQL in DATA_DIR ${site.dataDir} is not ready in time: look into ${site.logFile}`,
      );
    }
    await sleep(5);
  }
  return { failure: spawnFailure ?? (await lastWords(site.logFile, before)) };
}

async function lastWords(file: string, from: number): Promise<string> {
  const lines = (await readFile(file)).subarray(from).toString('utf8').trim().split('\n');
  const fatal = lines.findLast((line) => /FATAL|PANIC|error/.test(line)) ?? lines.at(-1) ?? '';
  return fatal.replace(/^.*?(FATAL|PANIC):\s*/, '');
}

async function rotate(file: string): Promise<void> {
  const found = await stat(file).catch(() => undefined);
  if (found && found.size > LOG_LIMIT_BYTES) await rename(file, `${file}.1`);
}
