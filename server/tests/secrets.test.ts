import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import type { JsonObject } from '@bufbuild/protobuf';
import { MethodOptions_IdempotencyLevel } from '@bufbuild/protobuf/wkt';
import { afterAll, describe, expect, inject, test, vi } from 'vitest';
import { readConfig } from '#server/config.ts';
import { startNats } from '../../scripts/nats-process.ts';
import { aimAt } from './aim.ts';
import { asBrowser } from './browser.ts';
import { callJson, everyMethod, nameOf, requestsFor } from './every-method.ts';
import { eventually, startTestApp } from './harness.ts';
import { keptLog } from './log-lines.ts';
import { type Answer, startReceiver } from './webhook-receiver.ts';
import { ended, PASSWORD } from './world.ts';

/*
 * Creates, uses and changes secrets of every kind at the most verbose log level, then searches everything that was written
 * or answered for them. This logger does not redact.
 */

const randomText = () => randomBytes(24).toString('hex');
const secrets = new Map<string, string>();
function addSecret(name: string, value: unknown): string {
  if (typeof value !== 'string' || value.length < 8) throw new Error(`${name} is not a secret`);
  secrets.set(name, value);
  return value;
}

/** What was written or answered, by place. */
const recorded = new Map<string, string[]>();
const record = (where: string, text: string) => recorded.set(where, [...(recorded.get(where) ?? []), text]);
const recordResponse = async (where: string, response: Response) =>
  record(where, `${JSON.stringify([...response.headers])} ${await response.text()}`);

const kept = keptLog();
const ends: (() => Promise<unknown> | unknown)[] = [];
const environment = { ...process.env };
afterAll(async () => {
  for (const end of ends.reverse()) await end();
  for (const name of Object.keys(process.env)) if (!(name in environment)) delete process.env[name];
});

/** Responds with the whole request, as a careless receiver does. */
const echo =
  (status: number): Answer =>
  (response, _request, { body, headers, event }) => {
    const all = `${event['report_token']} ${JSON.stringify(headers)} ${body}`;
    response.writeHead(status).end(`could not do ${all}`);
  };

for (const stream of [process.stdout, process.stderr]) {
  const write = stream.write.bind(stream);
  const spy = vi.spyOn(stream, 'write').mockImplementation(((chunk: string | Uint8Array, ...rest: []) => {
    record('the output', Buffer.from(chunk).toString());
    return write(chunk, ...rest);
  }) as typeof write);
  ends.push(() => spy.mockRestore());
}
const collector = createServer(async (request, response) => {
  record('the traces', (await buffer(request)).toString('latin1'));
  response.end();
});
await new Promise<void>((resolve) => collector.listen(0, '127.0.0.1', resolve));
ends.push(() => collector.close());
// Removed for the other files of this worker.
ends.push(async () => delete process.env['OTEL_EXPORTER_OTLP_ENDPOINT']);
process.env['OTEL_EXPORTER_OTLP_ENDPOINT'] = `http://127.0.0.1:${(collector.address() as AddressInfo).port}`;

const natsPassword = addSecret('the password of NATS', randomText());
const nats = await startNats(undefined, ['--user', 'forage', '--pass', natsPassword]);
ends.push(() => nats.kill());
addSecret('the password of the database', new URL(inject('postgres')).password);
const receiver = await startReceiver(echo(404), echo(500), echo(202), echo(200));
ends.push(() => receiver.close());
const config = readConfig({
  ...process.env,
  PORT: '0',
  FORAGE_REGISTRATION: 'open',
  RATE_LIMIT_PER_MINUTE: '0',
  WEBHOOK_ALLOW_PRIVATE: '1',
  SECRETS_KEY: addSecret('SECRETS_KEY', randomBytes(32).toString('base64')),
  METRICS_TOKEN: addSecret('METRICS_TOKEN', randomText()),
  NATS_URL: nats.url.replace('//', `//forage:${natsPassword}@`),
  OIDC_PROVIDERS: 'acme',
  // Nothing listens there: the failure is logged.
  OIDC_ACME_ISSUER: 'http://127.0.0.1:9',
  OIDC_ACME_CLIENT_ID: 'forage',
  OIDC_ACME_CLIENT_SECRET: addSecret('the client secret of a provider', randomText()),
  PUBLIC_URL: 'http://127.0.0.1:8080',
});
const { databaseUrl: _, ...settings } = config;
const app = await startTestApp({ config: { ...settings, staticDir: null }, log: kept.log });
ends.push(() => app.stop());
addSecret('the token of the set-up', app.setUpToken);
addSecret('a password', PASSWORD);
const { w, aim } = await aimAt(app);

/** @param shows whether the response may show a secret, and is not recorded */
async function call(method: string, body: unknown, headers: Record<string, string> = {}, shows = false) {
  const response = await fetch(`${app.url}/forest.v1.${method}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  const text = await response.text();
  if (!shows) record('answers', `${method} ${JSON.stringify([...response.headers])} ${text}`);
  return { response, status: response.status, json: JSON.parse(text) as Record<string, never> };
}
const as = (token: string) => ({ authorization: `Bearer ${token}` });

describe('while secrets are shown, used, mistyped and changed', () => {
  test('users sign in with correct and wrong passwords, by browser and by tool', async () => {
    // Its password changes below.
    const { username, userId, token } = w.reviewerTwo;
    addSecret('an access token', token);
    const login = await call('UsersService/Login', { username, password: PASSWORD }, {}, true);
    const { accessToken, refreshToken } = login.json['tokens'] as unknown as Record<string, string>;
    addSecret('the access token of a login', accessToken);
    addSecret('the refresh token of a login', refreshToken);
    const next = await call('UsersService/RefreshToken', { refreshToken }, {}, true);
    const tokens = next.json['tokens'] as unknown as Record<string, string>;
    addSecret('the next refresh token', tokens['refreshToken']);
    // Used twice: the login ends.
    expect((await call('UsersService/RefreshToken', { refreshToken })).status).toBe(401);

    const wrong = addSecret('a wrong password', randomText());
    for (const body of [
      { identifier: username, password: wrong },
      { identifier: username, password: [wrong] },
      { identifier: username, password: { is: wrong } },
      { identifier: { is: wrong }, password: wrong },
      `{"identifier": "x", "password": "${wrong}`,
      { identifier: username, password: `\u0000${wrong}` },
    ])
      expect((await call('SessionService/SignIn', body)).status).toBeGreaterThanOrEqual(400);
    const credentials = { identifier: username, password: PASSWORD };
    const { response } = await call('SessionService/SignIn', credentials, {}, true);
    const cookie = response.headers.get('set-cookie')?.split(';')[0] ?? '';
    addSecret('the secret of a session', cookie.split('=')[1]);
    for (const headers of [{ cookie }, { cookie: `${cookie}x` }, { authorization: cookie }, as(randomText())])
      await call('UsersService/TokenInfo', {}, headers);
    const newPassword = addSecret('a new password', randomText());
    const change = { userId, currentPassword: PASSWORD, newPassword };
    for (const status of [200, 401])
      expect((await call('UsersService/ChangePassword', change, asBrowser(cookie))).status).toBe(status);
    const account = { organisation: 'x', username: 'x', email: 'x@example.com', password: newPassword };
    for (const token of [addSecret('a wrong token of the set-up', randomText()), app.setUpToken ?? ''])
      expect((await call('SessionService/SetUp', { token, ...account })).status).toBeGreaterThanOrEqual(400);
    const code = `code=${addSecret('a code', randomText())}&state=${addSecret('a state', randomText())}`;
    for (const path of ['start', `callback?${code}`])
      await recordResponse(
        'answers',
        await fetch(`${app.url}/auth/oidc/acme/${path}`, { redirect: 'manual' }),
      );
  });

  test('tokens are created and used', async () => {
    const { admin, organisationId } = w;
    const { userId } = admin;
    const scopes = ['read'];
    const add = (name: string, answer: { json: object }) =>
      addSecret(name, Object.values(answer.json).find(isToken));
    const own = { userId, name: 'ci', scopes };
    const personal = await call('UsersService/CreatePersonalAccessToken', own, as(admin.token), true);
    const token = add('a personal access token', personal);
    await call('UsersService/TokenInfo', {}, as(token));
    await call('OrganisationService/AddMember', { organisationId, userId: 'x', role: 'member' }, as(token));
    const { userId: serviceAccountId } = await w.serviceAccount('robot');
    const its = { organisationId, serviceAccountId, name: 'deploy', scopes };
    const robot = await call('ServiceAccountService/CreateServiceAccountToken', its, as(admin.token), true);
    await call('UsersService/TokenInfo', {}, as(add('the token of a service account', robot)));
  });

  test('webhooks are signed, echoed and reported', async () => {
    const { admin, organisation } = w;
    const secret = addSecret('the secret of a webhook', `whsec_${randomBytes(32).toString('base64')}`);
    addSecret('what that secret encodes', secret.slice(6));
    const type = { organisation: 'forage', name: 'webhook', version: '1' };
    const hook = { organisation, name: 'hook', environment: 'spare', type };
    const create = (metadata: object, shows = false) =>
      call('DestinationService/CreateDestination', { ...hook, metadata }, as(admin.token), shows);
    await create({ url: 'ftp://x', secret });
    await create({ url: receiver.url, secret: `${secret}?` });
    // The error quotes what the caller sent in the wrong place, to this caller alone.
    await create({ url: receiver.url, [secret]: 'x' }, true);
    await create({ url: receiver.url, secret: [secret] }, true);
    expect((await create({ url: receiver.url, secret, plans: 'true' })).status).toBe(200);
    const other = addSecret('the next secret of a webhook', `whsec_${randomBytes(32).toString('base64')}`);
    const update = {
      organisation,
      name: 'hook',
      metadata: { url: receiver.url, secret: other, plans: 'true' },
    };
    await call('DestinationService/UpdateDestination', update, as(admin.token));
    const release = async () => w.release((await w.artifact()).artifactId, ['spare'], w.admin);
    // The receiver responds 404; then 500 and 202 to the retry.
    await ended(w, await release(), 3);
    const reported = await release();
    await eventually(async () => receiver.received.length === 3, 'the report token to arrive');
    for (const [index, { event }] of receiver.received.entries())
      addSecret(`the report token of attempt ${index}`, event['report_token']);
    const event = receiver.received[2]?.event;
    const report = { releaseId: event?.['release_id'], status: 'RELEASE_STATUS_SUCCEEDED' };
    const reportToken = String(event?.['report_token']);
    const send = (token: string) => call('ReleaseService/ReportRelease', report, as(token));
    await send(randomText());
    await eventually(async () => (await send(reportToken)).response.ok, 'the report to be accepted');
    await ended(w, reported);
    await send(reportToken);
    // The output of a plan is the receiver's whole response.
    await admin.pipelines.createReleasePipeline({
      project: w.project,
      name: 'look-first',
      stages: [{ id: 'look', config: { case: 'plan', value: { environment: 'spare', autoApprove: true } } }],
    });
    const { artifactId } = await w.artifact();
    const { intents } = await w.author.releases.release({
      artifactId,
      usePipeline: true,
      pipeline: 'look-first',
    });
    const releaseIntentId = intents[0]?.releaseIntentId ?? '';
    await ended(w, releaseIntentId);
    addSecret('the report token of a plan', receiver.received.at(-1)?.event['report_token']);
    await call('ReleaseService/GetPlanOutput', { releaseIntentId, stageId: 'look' }, as(admin.token));
    expect(recorded.get('answers')?.at(-1)).toContain('could not do');
  });

  test('every readable method and operating page is read', async () => {
    const requests = requestsFor(aim, 'read') as Readonly<Record<string, JsonObject>>;
    const readable = everyMethod.filter(
      ({ idempotency, parent }) =>
        idempotency === MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS &&
        parent.typeName.startsWith('forest.'),
    );
    expect(readable.length).toBeGreaterThan(30);
    for (const method of readable) {
      for (const { token } of [w.admin, w.reviewer]) {
        const { text } = await callJson(app, method, requests[nameOf(method)] ?? {}, as(token));
        record('answers', `${nameOf(method)} ${text}`);
      }
    }
    const { organisation } = w;
    const all = { organisation, project: w.project.project, includeCompleted: true };
    const states = await w.admin.releases.getReleaseIntentStates(all);
    for (const { releaseIntentId } of states.releaseIntents) {
      for await (const event of w.admin.releases.waitRelease({ releaseIntentId })) {
        const text = JSON.stringify(event, (_, v) => (typeof v === 'bigint' ? String(v) : v));
        record('release logs', text);
        if ([aim.intentId, aim.otherIntentId, aim.planIntentId].includes(releaseIntentId)) break;
      }
    }
    for (let pageToken = ''; ; ) {
      const page = await call('PolicyService/ListHistory', { organisation, pageToken }, as(w.admin.token));
      pageToken = String(page.json['nextPageToken'] ?? '');
      if (pageToken === '') break;
    }
    const metricsToken = secrets.get('METRICS_TOKEN') ?? '';
    for (const [path, token] of [
      ['/metrics', metricsToken],
      ['/metrics', randomText()],
      ['/healthz', metricsToken],
      ['/readyz', metricsToken],
      [`/?token=${metricsToken}`, metricsToken],
    ] as const)
      await recordResponse('operating pages', await fetch(`${app.url}${path}`, { headers: as(token) }));
    const { rows } = await app.context.db.pool.query(
      `select tablename as name from pg_tables where schemaname = 'public'`,
    );
    for (const { name } of rows) {
      const dump = await app.context.db.pool.query(`select t::text as row from ${name} t`);
      record('the database', `${name} ${dump.rows.map(({ row }) => row).join('\n')}`);
    }
    // Sends the last spans and writes the last log lines.
    await app.stop();
    record('the log', kept.text());
  });
});

const isToken = (value: unknown): boolean => typeof value === 'string' && value.startsWith('forage_');

/** The encodings in which a secret could appear. */
const formsOf = (secret: string): string[] => [
  ...new Set([
    secret,
    JSON.stringify(secret).slice(1, -1),
    encodeURIComponent(secret),
    Buffer.from(secret).toString('base64').replace(/=+$/, '').slice(0, -1),
    Buffer.from(secret).toString('base64url').slice(0, -1),
    Buffer.from(secret).toString('hex'),
  ]),
];

test.each([
  'the log',
  'the output',
  'the traces',
  'answers',
  'release logs',
  'operating pages',
  'the database',
])('%s contains no secret', (where) => {
  const texts = recorded.get(where) ?? [];
  // Without texts the search would find nothing.
  const enough = where === 'the output' ? 0 : 500;
  expect(texts.join('').length).toBeGreaterThanOrEqual(enough);
  expect(secrets.size).toBeGreaterThan(18);
  const found: string[] = [];
  for (const [name, secret] of secrets) {
    for (const form of formsOf(secret)) {
      for (const text of texts) {
        const at = text.indexOf(form);
        if (at >= 0) found.push(`${name}: …${text.slice(Math.max(0, at - 120), at)}<HERE>`);
      }
    }
  }
  expect(found).toEqual([]);
});
