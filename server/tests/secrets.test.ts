import { randomBytes } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { JsonObject } from '@bufbuild/protobuf';
import { MethodOptions_IdempotencyLevel } from '@bufbuild/protobuf/wkt';
import { afterAll, beforeAll, describe, expect, inject, test, vi } from 'vitest';
import { readConfig } from '#server/config.ts';
import { startNats } from '../../scripts/nats-process.ts';
import { aimAt, PASSWORD } from './aim.ts';
import { asBrowser } from './browser.ts';
import { type Aim, callJson, everyMethod, nameOf, requestsFor } from './every-method.ts';
import { eventually, startTestApp, type TestApp } from './harness.ts';
import { keptLog } from './log-lines.ts';
import { type Answer, type Receiver, startReceiver } from './webhook-receiver.ts';
import { ended, type World } from './world.ts';

/*
 * A whole story with secrets in it, at the most talkative level; then everything that was written or answered anywhere is
 * searched for them. The log is one that takes nothing out by itself.
 */

const made = (prefix = '') => `${prefix}${randomBytes(24).toString('hex')}`;
const secrets = new Map<string, string>();
function plant(name: string, value: unknown): string {
  if (typeof value !== 'string' || value.length < 8) throw new Error(`${name} is no secret`);
  secrets.set(name, value);
  return value;
}

/** What was written or answered, by where. */
const told = new Map<string, string[]>();
const tell = (where: string, text: string) => told.set(where, [...(told.get(where) ?? []), text]);

const kept = keptLog();
const ends: (() => Promise<unknown> | unknown)[] = [];
const environment = { ...process.env };
let app: TestApp;
let w: World;
let aim: Aim;
let receiver: Receiver;

/** Answers with the request that it got: what a careless receiver does. */
const echo =
  (status: number): Answer =>
  (response, _request, { body, headers, event }) => {
    const all = `${event['report_token']} ${JSON.stringify(headers)} ${body}`;
    response.writeHead(status).end(`could not do ${all}`);
  };

beforeAll(async () => {
  for (const stream of [process.stdout, process.stderr]) {
    const write = stream.write.bind(stream);
    const spy = vi.spyOn(stream, 'write').mockImplementation(((chunk: string | Uint8Array, ...rest: []) => {
      tell('the output', Buffer.from(chunk).toString());
      return write(chunk, ...rest);
    }) as typeof write);
    ends.push(() => spy.mockRestore());
  }
  const collector: Server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      tell('the traces', Buffer.concat(chunks).toString('latin1'));
      response.writeHead(200).end();
    });
  });
  await new Promise<void>((resolve) => collector.listen(0, '127.0.0.1', resolve));
  ends.push(() => collector.close());
  process.env['OTEL_EXPORTER_OTLP_ENDPOINT'] =
    `http://127.0.0.1:${(collector.address() as AddressInfo).port}`;

  const natsPassword = plant('the password of NATS', made());
  const nats = await startNats(undefined, ['--user', 'forage', '--pass', natsPassword]);
  ends.push(() => nats.kill());
  plant('the password of the database', inject('postgres').password);
  receiver = await startReceiver(echo(404), echo(500), echo(202), echo(200));
  ends.push(() => receiver.close());
  const config = readConfig({
    ...process.env,
    PORT: '0',
    FORAGE_REGISTRATION: 'open',
    RATE_LIMIT_PER_MINUTE: '0',
    WEBHOOK_ALLOW_PRIVATE: '1',
    SECRETS_KEY: plant('SECRETS_KEY', randomBytes(32).toString('base64')),
    METRICS_TOKEN: plant('METRICS_TOKEN', made()),
    NATS_URL: nats.url.replace('//', `//forage:${natsPassword}@`),
    OIDC_PROVIDERS: 'acme',
    // Nobody listens there: what goes wrong is told somewhere.
    OIDC_ACME_ISSUER: 'http://127.0.0.1:9',
    OIDC_ACME_CLIENT_ID: 'forage',
    OIDC_ACME_CLIENT_SECRET: plant('the client secret of a provider', made()),
    PUBLIC_URL: 'http://127.0.0.1:8080',
  });
  const { databaseUrl: _, ...settings } = config;
  app = await startTestApp({ config: { ...settings, staticDir: null }, log: kept.log });
  plant('the token of the set-up', app.setUpToken);
  plant('a password', PASSWORD);
  ({ w, aim } = await aimAt(app));
}, 60_000);

afterAll(async () => {
  await app?.stop();
  for (const end of ends.reverse()) await end();
  for (const name of Object.keys(process.env)) if (!(name in environment)) delete process.env[name];
});

interface Options {
  readonly headers?: Record<string, string>;
  /** That answer is the one place where the secret is shown. */
  readonly shows?: boolean;
}
async function ask(method: string, body: unknown, { headers = {}, shows = false }: Options = {}) {
  const response = await fetch(`${app.url}/forest.v1.${method}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  const text = await response.text();
  if (!shows) tell('answers', `${method} ${JSON.stringify([...response.headers])} ${text}`);
  return { response, text, json: JSON.parse(text) as Record<string, never> };
}
const as = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });

describe('a story in which secrets are shown, used, mistaken and changed', () => {
  test('people sign in, well and badly, by browser and by tool', async () => {
    // Whose logins end with the password.
    const author = w.reviewerTwo;
    plant('an access token', author.token);
    const login = await ask(
      'UsersService/Login',
      { username: author.username, password: PASSWORD },
      { shows: true },
    );
    const { accessToken, refreshToken } = login.json['tokens'] as unknown as Record<string, string>;
    plant('the access token of a login', accessToken);
    plant('the refresh token of a login', refreshToken);
    const next = await ask('UsersService/RefreshToken', { refreshToken }, { shows: true });
    plant(
      'the next refresh token',
      (next.json['tokens'] as unknown as Record<string, string>)['refreshToken'],
    );
    // Spent: the whole login ends.
    expect((await ask('UsersService/RefreshToken', { refreshToken })).response.status).toBe(401);

    const wrong = plant('a wrong password', made());
    for (const body of [
      { identifier: author.username, password: wrong },
      { identifier: author.username, password: [wrong] },
      { identifier: author.username, password: { is: wrong } },
      { identifier: { is: wrong }, password: wrong },
      `{"identifier": "x", "password": "${wrong}`,
      { identifier: author.username, password: `\u0000${wrong}` },
    ])
      expect((await ask('SessionService/SignIn', body)).response.status).toBeGreaterThanOrEqual(400);
    const signedIn = await ask(
      'SessionService/SignIn',
      { identifier: author.username, password: PASSWORD },
      { shows: true },
    );
    const cookie = signedIn.response.headers.get('set-cookie')?.split(';')[0] ?? '';
    plant('the secret of a session', cookie.split('=')[1]);
    const shown: Record<string, string>[] = [
      { cookie },
      { cookie: `${cookie}x` },
      { authorization: cookie },
      { authorization: `Bearer ${made()}` },
    ];
    for (const headers of shown) await ask('UsersService/TokenInfo', {}, { headers });
    const newPassword = plant('a new password', made());
    const change = { userId: author.userId, currentPassword: PASSWORD, newPassword };
    expect(
      (await ask('UsersService/ChangePassword', change, { headers: asBrowser(cookie) })).response.status,
    ).toBe(200);
    await ask('UsersService/ChangePassword', change, { headers: asBrowser(cookie) });
    for (const token of [plant('a wrong token of the set-up', made()), app.setUpToken ?? '']) {
      const setUp = {
        token,
        organisation: 'x',
        username: 'x',
        email: 'x@example.com',
        password: newPassword,
      };
      expect((await ask('SessionService/SetUp', setUp)).response.status).toBeGreaterThanOrEqual(400);
    }
    const provider = await fetch(`${app.url}/auth/oidc/acme/start`, { redirect: 'manual' });
    tell('answers', `${JSON.stringify([...provider.headers])} ${await provider.text()}`);
    const back = `${app.url}/auth/oidc/acme/callback?code=${plant('a code', made())}&state=${plant('a state', made())}`;
    const returned = await fetch(back, { redirect: 'manual' });
    tell('answers', `${JSON.stringify([...returned.headers])} ${await returned.text()}`);
  });

  test('tokens are made, used and revoked', async () => {
    const { admin, organisationId } = w;
    const personal = await ask(
      'UsersService/CreatePersonalAccessToken',
      { userId: admin.userId, name: 'ci', scopes: ['read', 'release'] },
      { ...as(admin.token), shows: true },
    );
    const token = plant('a personal access token', Object.values(personal.json).find(isToken));
    await ask('UsersService/TokenInfo', {}, as(token));
    await ask('OrganisationService/AddMember', { organisationId, userId: 'x', role: 'member' }, as(token));
    const account = await ask(
      'ServiceAccountService/CreateServiceAccount',
      { organisationId, name: 'robot' },
      as(admin.token),
    );
    const { serviceAccountId } = (account.json['serviceAccount'] ?? account.json) as Record<string, string>;
    const robot = await ask(
      'ServiceAccountService/CreateServiceAccountToken',
      { organisationId, serviceAccountId, name: 'deploy', scopes: ['read'] },
      { ...as(admin.token), shows: true },
    );
    const robotToken = plant('the token of a service account', Object.values(robot.json).find(isToken));
    await ask('UsersService/TokenInfo', {}, as(robotToken));
  });

  test('webhooks are signed, echoed and reported', async () => {
    const { admin, organisation } = w;
    const secret = plant('the secret of a webhook', `whsec_${randomBytes(32).toString('base64')}`);
    plant('what that secret encodes', secret.slice(6));
    const type = { organisation: 'forage', name: 'webhook', version: '1' };
    const hook = { organisation, name: 'hook', environment: 'spare', type };
    const good = { ...hook, metadata: { url: receiver.url, secret } };
    // The last two show the caller what they wrote in the wrong place; that answer is theirs alone.
    for (const metadata of [
      { url: 'ftp://x', secret },
      { url: receiver.url, secret: `${secret}?` },
      { url: receiver.url, [secret]: 'x' },
      { url: receiver.url, secret: [secret] },
    ])
      await ask(
        'DestinationService/CreateDestination',
        { ...hook, metadata },
        { ...as(admin.token), shows: secret in metadata || typeof metadata.secret === 'object' },
      );
    expect((await ask('DestinationService/CreateDestination', good, as(admin.token))).response.status).toBe(
      200,
    );
    const other = plant('the next secret of a webhook', `whsec_${randomBytes(32).toString('base64')}`);
    await ask(
      'DestinationService/UpdateDestination',
      { organisation, name: 'hook', metadata: { url: receiver.url, secret: other } },
      as(admin.token),
    );
    const release = async () => w.release((await w.artifact()).artifactId, ['spare'], w.admin);
    // 404 with what was asked; then 500 with it, and 202.
    await ended(w, await release(), 3);
    const reported = await release();
    await eventually(async () => receiver.received.length === 3, 'the report token to arrive');
    for (const [index, { event }] of receiver.received.entries())
      plant(`the report token of attempt ${index}`, event['report_token']);
    const event = receiver.received[2]?.event;
    const report = { releaseId: event?.['release_id'], status: 'RELEASE_STATUS_SUCCEEDED' };
    const reportToken = String(event?.['report_token']);
    await ask('ReleaseService/ReportRelease', report, as(made()));
    await eventually(
      async () => (await ask('ReleaseService/ReportRelease', report, as(reportToken))).response.ok,
      'the report to be taken',
    );
    await ended(w, reported);
    await ask('ReleaseService/ReportRelease', report, as(reportToken));
    // A plan is the receiver's whole answer.
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
    plant('the report token of a plan', receiver.received.at(-1)?.event['report_token']);
    await ask('ReleaseService/GetPlanOutput', { releaseIntentId, stageId: 'look' }, as(admin.token));
    const output = told.get('answers')?.at(-1) ?? '';
    expect(output).toContain('could not do');
  });

  test('everything that can be read is read, and the operating pages too', async () => {
    const requests = requestsFor(aim, 'read') as Readonly<Record<string, JsonObject>>;
    const readable = everyMethod.filter(
      ({ idempotency, parent }) =>
        idempotency === MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS &&
        parent.typeName.startsWith('forest.'),
    );
    expect(readable.length).toBeGreaterThan(30);
    for (const method of readable) {
      for (const by of [w.admin, w.reviewer]) {
        const answer = await callJson(app, method, requests[nameOf(method)] ?? {}, as(by.token).headers);
        tell('answers', `${nameOf(method)} ${answer.text}`);
      }
    }
    const { organisation } = w;
    const all = { organisation, project: w.project.project, includeCompleted: true };
    const states = await w.admin.releases.getReleaseIntentStates(all);
    for (const { releaseIntentId } of states.releaseIntents) {
      for await (const event of w.admin.releases.waitRelease({ releaseIntentId })) {
        tell(
          'release logs',
          JSON.stringify(event, (_, v) => (typeof v === 'bigint' ? String(v) : v)),
        );
        if (aim.intentId === releaseIntentId || aim.otherIntentId === releaseIntentId) break;
        if (aim.planIntentId === releaseIntentId) break;
      }
    }
    for (let pageToken = ''; ; ) {
      const page = await ask('PolicyService/ListHistory', { organisation, pageToken }, as(w.admin.token));
      pageToken = String(page.json['nextPageToken'] ?? '');
      if (pageToken === '') break;
    }
    const metricsToken = secrets.get('METRICS_TOKEN') ?? '';
    for (const [path, token] of [
      ['/metrics', metricsToken],
      ['/metrics', made()],
      ['/healthz', metricsToken],
      ['/readyz', metricsToken],
      [`/?token=${metricsToken}`, metricsToken],
    ] as const) {
      const response = await fetch(`${app.url}${path}`, as(token));
      tell('operating pages', `${JSON.stringify([...response.headers])} ${await response.text()}`);
    }
    const { rows } = await app.context.db.pool.query(
      `select tablename as name from pg_tables where schemaname = 'public'`,
    );
    for (const { name } of rows) {
      const dump = await app.context.db.pool.query(`select t::text as row from ${name} t`);
      tell('the database', `${name} ${dump.rows.map(({ row }) => row).join('\n')}`);
    }
    // Spans are sent, and the last lines written.
    await app.stop();
    tell('the log', kept.text());
  });
});

const isToken = (value: unknown): boolean => typeof value === 'string' && value.startsWith('forage_');

/** The ways in which a secret might have been written down. */
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
])('in %s there is none of them', (where) => {
  const texts = told.get(where) ?? [];
  // A search in nothing finds nothing.
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
