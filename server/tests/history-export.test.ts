import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { type IncomingMessage, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { promisify } from 'node:util';
import Papa from 'papaparse';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { BEFORE_FIRST, contentHash, linkHash } from '#server/features/history/chain.ts';
import { HistoryFormat } from '#server/gen/forest/v1/policies_pb.ts';
import { startTestApp, type TestApp } from './harness.ts';
import { refusal } from './refusal.ts';
import { type World, world } from './world.ts';

const run = promisify(execFile);
const hasPython = await run('python3', ['--version']).then(
  () => true,
  () => false,
);
if (!hasPython) console.warn('The script of docs/audit.md is not tried: there is no python3');

let app: TestApp;
let w: World;
let folder: string;
beforeAll(async () => {
  app = await startTestApp();
  w = await world(app);
  folder = await mkdtemp(join(tmpdir(), 'forage-history-'));
  await w.admin.releases.updateProject({ ...w.project, readme: '=1+1 "quoted", 🌲\nüñï \u2028 \u007f' });
  await w.admin.environments.createEnvironment({
    organisation: w.organisation,
    name: 'canary',
    description: "@SUM(A1) it's\r\n",
    sortOrder: 5,
  });
});
afterAll(async () => {
  await app.stop();
  await rm(folder, { recursive: true, force: true });
});

const verify = () => w.admin.policies.verifyHistory({ organisation: w.organisation });

async function exported(format: HistoryFormat, filter: object = {}): Promise<string> {
  const parts: Uint8Array[] = [];
  let entries = 0n;
  for await (const one of w.admin.policies.exportHistory({
    organisation: w.organisation,
    format,
    ...filter,
  })) {
    parts.push(one.piece);
    entries = one.entries;
  }
  const text = Buffer.concat(parts).toString('utf8');
  if (format === HistoryFormat.JSON_LINES) expect(text.split('\n')).toHaveLength(Number(entries) + 1);
  return text;
}

const script = async () => {
  const page = await readFile(new URL('../../docs/audit.md', import.meta.url), 'utf8');
  return /```python\n([\s\S]*?)```/.exec(page)?.[1] ?? '';
};
test('an export as JSON lines can be checked by whoever has nothing but its lines', async () => {
  const { entries, headHash } = await verify();
  const lines = (await exported(HistoryFormat.JSON_LINES)).trimEnd().split('\n');
  expect(lines).toHaveLength(Number(entries));
  let previous: Buffer = BEFORE_FIRST;
  for (const [index, line] of lines.entries()) {
    const entry = JSON.parse(line);
    expect(entry).toMatchObject({ sequence: index + 1, previous_hash: previous.toString('hex') });
    // The text of the content, as it stands in the line.
    const content = line.slice(line.indexOf(',"content":') + ',"content":'.length, -1);
    previous = linkHash(previous, index + 1, contentHash(content));
    expect(entry.hash).toBe(previous.toString('hex'));
  }
  expect(previous.toString('hex')).toBe(headHash);
});

test.runIf(hasPython)(
  'an export passes the script of docs/audit.md, and an edited one does not',
  async () => {
    const { entries, headHash } = await verify();
    const text = await exported(HistoryFormat.JSON_LINES);
    const [check = '', right = '', wrong = ''] = ['check.py', 'right.jsonl', 'wrong.jsonl'].map((name) =>
      join(folder, name),
    );
    await writeFile(check, await script());
    await writeFile(right, text);
    const good = await run('python3', [check, right]);
    expect(good.stdout).toBe(`${entries} entries fit; head ${entries} ${headHash}\n`);
    // A key that is there twice shows a person the first, and most programs the last.
    for (const edit of ['"name":"kanary"', '"name":"kanary","name":"canary"', '"name": "canary"']) {
      await writeFile(wrong, text.replace('"name":"canary"', edit));
      await expect(run('python3', [check, wrong])).rejects.toMatchObject({
        code: 1,
        stderr: expect.stringMatching(/^entry \d+ does not fit/),
      });
    }
  },
);

test('an export as CSV holds the same content, and no formula', async () => {
  const { entries, headHash } = await verify();
  const csv = await exported(HistoryFormat.CSV);
  expect(csv.startsWith('\uFEFFsequence,at,kind,')).toBe(true);
  const { data } = Papa.parse<Record<string, string>>(csv.slice(1), { header: true, skipEmptyLines: true });
  expect(data).toHaveLength(Number(entries));
  let previous: Buffer = BEFORE_FIRST;
  for (const [index, row] of data.entries()) {
    expect(row['previous_hash']).toBe(previous.toString('hex'));
    previous = linkHash(previous, index + 1, contentHash(row['content'] ?? ''));
    for (const cell of Object.values(row)) expect(cell).not.toMatch(/^\s*[=+\-@]/);
  }
  expect(previous.toString('hex')).toBe(headHash);
});

test('an export narrowed by a filter has those entries alone, each of which can be checked', async () => {
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

test('an export and the check are for admins', async () => {
  const organisation = w.organisation;
  const check = w.reviewer.policies.verifyHistory({ organisation });
  expect(await refusal(check)).toMatchObject({ code: 'PermissionDenied' });
  const format = HistoryFormat.CSV;
  const pieces = w.reviewer.policies.exportHistory({ organisation, format })[Symbol.asyncIterator]();
  expect(await refusal(pieces.next())).toMatchObject({ code: 'PermissionDenied' });
});

test('an export ends when the right to it ends', async () => {
  const { organisation, organisationId, admin, reviewer } = w;
  await admin.organisations.updateMemberRole({ organisationId, userId: reviewer.userId, role: 'admin' });
  // The last portion begins behind more than what connections hold on the way.
  const readme = 'a long story, '.repeat(6_000);
  for (let n = 0; n < 240; n++) {
    await admin.releases.updateProject({ ...w.project, readme: `${n} ${readme}`.slice(0, 60_000) });
  }
  const asked = JSON.stringify({ organisation, format: 'HISTORY_FORMAT_JSON_LINES' });
  const call = request(`${app.url}/forest.v1.PolicyService/ExportHistory`, {
    method: 'POST',
    headers: { authorization: `Bearer ${reviewer.token}`, 'content-type': 'application/connect+json' },
  });
  call.end(Buffer.concat([Buffer.from([0, 0, 0, 0, asked.length]), Buffer.from(asked)]));
  // Nobody reads on, so the server cannot go on: a generated client takes in all that comes, and may be done by then.
  const [answer]: IncomingMessage[] = await once(call, 'response');
  await admin.organisations.updateMemberRole({ organisationId, userId: reviewer.userId, role: 'member' });
  const text = answer === undefined ? '' : (await buffer(answer)).toString('latin1');
  expect(text.slice(-2_000)).toContain('"code":"permission_denied"');
});
