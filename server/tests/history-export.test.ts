import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { type IncomingMessage, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { promisify } from 'node:util';
import Papa from 'papaparse';
import { afterAll, expect, test } from 'vitest';
import { contentHash, FIRST_PREVIOUS_HASH, linkHash } from '#server/features/history/chain.ts';
import { HistoryFormat } from '#server/gen/forest/v1/policies_pb.ts';
import { startTestApp } from './harness.ts';
import { world } from './world.ts';

const run = promisify(execFile);
const hasPython = await run('python3', ['--version']).then(
  () => true,
  () => false,
);
if (!hasPython) console.warn('Skips the script of docs/audit.md: python3 is not installed');

const app = await startTestApp();
const folder = await mkdtemp(join(tmpdir(), 'forage-history-'));
afterAll(async () => {
  await app.stop();
  await rm(folder, { recursive: true, force: true });
});

const w = await world(app);
await w.admin.releases.updateProject({ ...w.project, readme: '=1+1 "quoted", 🌲\nüñï \u2028 \u007f' });
const { organisation } = w;
const description = "@SUM(A1) it's\r\n";
await w.admin.environments.createEnvironment({ organisation, name: 'canary', description, sortOrder: 5 });

const verify = () => w.admin.policies.verifyHistory({ organisation });

async function exported(format: HistoryFormat, filter: object = {}): Promise<string> {
  const parts: Uint8Array[] = [];
  let entries = 0n;
  for await (const one of w.admin.policies.exportHistory({ organisation, format, ...filter })) {
    parts.push(one.piece);
    entries = one.entries;
  }
  const text = Buffer.concat(parts).toString('utf8');
  if (format === HistoryFormat.JSON_LINES) expect(text.split('\n')).toHaveLength(Number(entries) + 1);
  return text;
}

test('an export as JSON lines can be verified on its own', async () => {
  const { entries, headHash } = await verify();
  const lines = (await exported(HistoryFormat.JSON_LINES)).trimEnd().split('\n');
  expect(lines).toHaveLength(Number(entries));
  let previous: Buffer = FIRST_PREVIOUS_HASH;
  for (const [index, line] of lines.entries()) {
    const entry = JSON.parse(line);
    expect(entry).toMatchObject({ sequence: index + 1, previous_hash: previous.toString('hex') });
    const content = line.slice(line.indexOf(',"content":') + ',"content":'.length, -1);
    previous = linkHash(previous, index + 1, contentHash(content));
    expect(entry.hash).toBe(previous.toString('hex'));
  }
  expect(previous.toString('hex')).toBe(headHash);
});

test.runIf(hasPython)('the script of docs/audit.md accepts an export and refuses an edited one', async () => {
  const { entries, headHash } = await verify();
  const text = await exported(HistoryFormat.JSON_LINES);
  const [check = '', right = '', wrong = ''] = ['check.py', 'right.jsonl', 'wrong.jsonl'].map((name) =>
    join(folder, name),
  );
  const page = await readFile(new URL('../../docs/audit.md', import.meta.url), 'utf8');
  await writeFile(check, /```python\n([\s\S]*?)```/.exec(page)?.[1] ?? '');
  await writeFile(right, text);
  const good = await run('python3', [check, right]);
  expect(good.stdout).toBe(`${entries} entries verified; head ${entries} ${headHash}\n`);
  // Most programs read the last of two equal keys, people the first.
  for (const edit of ['"name":"kanary"', '"name":"kanary","name":"canary"', '"name": "canary"']) {
    await writeFile(wrong, text.replace('"name":"canary"', edit));
    await expect(run('python3', [check, wrong])).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^entry \d+ is invalid/),
    });
  }
});

test('an export as CSV has the same content and no formulas', async () => {
  const { entries, headHash } = await verify();
  const csv = await exported(HistoryFormat.CSV);
  expect(csv.startsWith('\uFEFFsequence,at,kind,')).toBe(true);
  const { data } = Papa.parse<Record<string, string>>(csv.slice(1), { header: true, skipEmptyLines: true });
  expect(data).toHaveLength(Number(entries));
  let previous: Buffer = FIRST_PREVIOUS_HASH;
  for (const [index, row] of data.entries()) {
    expect(row['previous_hash']).toBe(previous.toString('hex'));
    previous = linkHash(previous, index + 1, contentHash(row['content'] ?? ''));
    for (const cell of Object.values(row)) expect(cell).not.toMatch(/^\s*[=+\-@]/);
  }
  expect(previous.toString('hex')).toBe(headHash);
});

test('a filtered export has the matching entries', async () => {
  const lines = await exported(HistoryFormat.JSON_LINES, { kind: 'environment.created' });
  const found = lines
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(found.map(({ content }) => content.subject)).toEqual(['staging', 'production', 'canary']);
  expect(await exported(HistoryFormat.JSON_LINES, { kind: 'nothing.like_it' })).toBe('');
  expect(await exported(HistoryFormat.CSV, { kind: 'nothing.like_it' })).toMatch(
    /^\uFEFFsequence,.*content\r\n$/,
  );
});

test('an export ends when the caller is no longer an admin', async () => {
  const { organisationId, admin, reviewer } = w;
  await admin.organisations.updateMemberRole({ organisationId, userId: reviewer.userId, role: 'admin' });
  // More than the buffers of a connection hold, so that the last portion is read later.
  const readme = 'a long text, '.repeat(6_000);
  for (let n = 0; n < 240; n++) {
    await admin.releases.updateProject({ ...w.project, readme: `${n} ${readme}`.slice(0, 60_000) });
  }
  const asked = JSON.stringify({ organisation, format: 'HISTORY_FORMAT_JSON_LINES' });
  const call = request(`${app.url}/forest.v1.PolicyService/ExportHistory`, {
    method: 'POST',
    headers: { authorization: `Bearer ${reviewer.token}`, 'content-type': 'application/connect+json' },
  });
  call.end(Buffer.concat([Buffer.from([0, 0, 0, 0, asked.length]), Buffer.from(asked)]));
  // A plain request that is not read makes the server wait; a generated client would read everything.
  const [answer]: IncomingMessage[] = await once(call, 'response');
  await admin.organisations.updateMemberRole({ organisationId, userId: reviewer.userId, role: 'member' });
  const text = answer === undefined ? '' : (await buffer(answer)).toString('latin1');
  expect(text.slice(-2_000)).toContain('"code":"permission_denied"');
});
