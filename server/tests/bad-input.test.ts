import { connect as connectHttp2 } from 'node:http2';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { create, type JsonObject, toBinary } from '@bufbuild/protobuf';
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { ApproveReleaseRequestSchema } from '#server/gen/forest/v1/policies_pb.ts';
import { aimAt } from './aim.ts';
import { type Aim, get, post, requestsFor } from './every-method.ts';
import { startTestApp, type TestApp } from './harness.ts';
import { pathByName, requireWords, rowsOf } from './raw-refusals.ts';
import type { World } from './world.ts';

const longVote = create(ApproveReleaseRequestSchema, { comment: 'words that are long enough to be cut' });

let app: TestApp;
let w: World;
let aim: Aim;
let requests: Readonly<Record<string, JsonObject>>;
beforeAll(async () => {
  app = await startTestApp();
  ({ w, aim } = await aimAt(app));
  requests = requestsFor(aim, 'bad');
});
afterAll(() => app.stop());

const as = () => ({ authorization: `Bearer ${w.admin.token}` });

describe('what cannot be a message', () => {
  let before: Record<string, number>;
  beforeEach(async () => {
    before = await rowsOf(app);
  });
  afterEach(async () => expect(await rowsOf(app)).toEqual(before));

  const CREATE = 'PolicyService.CreatePolicy';

  test.each([
    ['no JSON', '{"name": '],
    ['an empty body', ''],
    ['an array', '[]'],
    ['a string', '"name"'],
    ['a number for a text', '{"name": 7}'],
    ['a text for a message', '{"project": "checkout"}'],
    ['an object for a text', '{"name": {"a": 1}}'],
    ['an unknown enum name', '{"policyType": "POLICY_TYPE_MOON_PHASE"}'],
    ['a fraction for an integer', '{"approval": {"requiredApprovals": 1.5}}'],
    ['an integer beyond 32 bits', '{"approval": {"requiredApprovals": 4294967296}}'],
    ['an integer beyond 64 bits', '{"soakTime": {"durationSeconds": "9223372036854775808"}}'],
    ['two configs of one oneof', '{"approval": {"requiredApprovals": 1}, "soakTime": {}}'],
    ['deep nesting', `${'{"project":'.repeat(20_000)}{}${'}'.repeat(20_000)}`],
  ])('%s', async (about, body) => {
    const answer = await post(app, pathByName(CREATE), body, as());
    expect(answer.code).toBe('invalid_argument');
    requireWords(answer, about);
  });

  test('bytes that are no UTF-8 in JSON', async () => {
    const json = Buffer.from(JSON.stringify({ ...requests[CREATE], name: 'NAME' }));
    json[json.indexOf('NAME')] = 0xff;
    const answer = await post(app, pathByName(CREATE), json, as());
    expect(answer.code).toBe('invalid_argument');
    requireWords(answer);
  });

  test.each([
    ['bytes of nothing', Uint8Array.of(0xff, 0xff, 0xff, 0xff)],
    ['a message cut short', toBinary(ApproveReleaseRequestSchema, longVote).subarray(0, 20)],
    ['a length beyond the end', Uint8Array.of(0x0a, 0xff, 0xff, 0xff, 0xff, 0x07)],
    [
      'a text that is no UTF-8',
      new BinaryWriter().tag(4, WireType.LengthDelimited).bytes(Uint8Array.of(0xc3, 0x28)).finish(),
    ],
    ['a group that never ends', new BinaryWriter().tag(99, WireType.StartGroup).finish()],
    ['the wrong wire type', new BinaryWriter().tag(2, WireType.Varint).uint32(7).finish()],
    ['field number 0', Uint8Array.of(0x00, 0x01)],
  ])('in binary: %s', async (about, bytes) => {
    const headers = { ...as(), 'content-type': 'application/proto' };
    const answer = await post(app, pathByName('PolicyService.ApproveRelease'), Buffer.from(bytes), headers);
    expect([about, answer.code]).toEqual([about, 'invalid_argument']);
    requireWords(answer, about);
  });

  test('8 MB are refused before they are read, plain, compressed and as a length that lies', async () => {
    const body = JSON.stringify({ ...requests[CREATE], name: 'x'.repeat(8 * 1024 * 1024) });
    const began = performance.now();
    const answer = await post(app, pathByName(CREATE), body, as());
    expect(answer.code).toBe('resource_exhausted');
    requireWords(answer);
    const zipped = await post(app, pathByName(CREATE), gzipSync(body), {
      ...as(),
      'content-encoding': 'gzip',
    });
    expect(zipped.code).toBe('resource_exhausted');
    requireWords(zipped);
    // Without credentials nothing is read at all.
    expect((await post(app, pathByName(CREATE), body)).code).toBe('unauthenticated');
    expect(performance.now() - began).toBeLessThan(10_000);
    expect((await post(app, pathByName('StatusService.Status'), '{}')).code).toBe('ok');
  });

  test('a request that is refused half-way, without a length, does not spoil the next one', async () => {
    const text = await new Promise<string>((resolve, reject) => {
      const socket = connect(Number(new URL(app.url).port), '127.0.0.1');
      let seen = '';
      socket.setTimeout(4_000, () => reject(new Error('the connection hangs')));
      socket.on('error', reject);
      socket.on('data', (chunk) => {
        seen += chunk;
      });
      socket.on('end', () => resolve(seen));
      const { authorization } = as();
      socket.write(
        `POST ${pathByName(CREATE)} HTTP/1.1\r\nHost: x\r\nAuthorization: ${authorization}\r\n` +
          'Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n',
      );
      // The chunk that would end the request never comes.
      const size = 5_000_000;
      socket.write(`${size.toString(16)}\r\n${'x'.repeat(size)}\r\n`);
    });
    expect(text).toMatch(/^HTTP\/1\.1 429 /);
    expect(text.toLowerCase()).toContain('connection: close');
    expect(text).toContain('resource_exhausted');
  });

  test('what says it is compressed and is not, or by what nobody knows', async () => {
    const json = JSON.stringify(requests[CREATE]);
    const lied = await post(app, pathByName(CREATE), json, { ...as(), 'content-encoding': 'gzip' });
    expect(lied.code).toBe('invalid_argument');
    const odd = await post(app, pathByName(CREATE), json, { ...as(), 'content-encoding': 'rot13' });
    expect(odd.code).toBe('unimplemented');
    for (const answer of [lied, odd]) requireWords(answer);
  });
});

describe('bytes that are no message, read after the deadline', () => {
  const bytes = Buffer.of(0xff, 0xff, 0xff);
  const envelope = (flags: number) => Buffer.concat([Buffer.of(flags, 0, 0, 0, bytes.length), bytes]);
  /** Sends the body once the deadline is over; everything that comes back, as one text. */
  const late = (headers: Record<string, string>, body: Buffer) =>
    new Promise<string>((resolve, reject) => {
      const session = connectHttp2(app.url);
      session.on('error', reject);
      const path = pathByName('PolicyService.ApproveRelease');
      const stream = session.request({ ':method': 'POST', ':path': path, ...as(), ...headers });
      let seen = '';
      const note = (found: object) => {
        seen += Object.entries(found)
          .map(([name, value]) => `${name}: ${value}\n`)
          .join('');
      };
      stream.on('response', note);
      stream.on('trailers', note);
      stream.on('data', (chunk) => {
        seen += chunk;
      });
      stream.on('error', reject);
      stream.on('close', () => {
        session.close();
        resolve(seen);
      });
      stream.write('');
      void sleep(50).then(() => stream.end(body));
    });

  test.each([
    ['gRPC', { 'content-type': 'application/grpc', 'grpc-timeout': '1u' }, envelope(0)],
    ['gRPC, compressed', { 'content-type': 'application/grpc', 'grpc-timeout': '1u' }, envelope(1)],
    ['gRPC, no time at all', { 'content-type': 'application/grpc', 'grpc-timeout': '0S' }, envelope(0)],
    ['gRPC-web', { 'content-type': 'application/grpc-web', 'grpc-timeout': '1u' }, envelope(0)],
    ['Connect', { 'content-type': 'application/proto', 'connect-timeout-ms': '1' }, bytes],
    ['Connect, no time at all', { 'content-type': 'application/proto', 'connect-timeout-ms': '0' }, bytes],
  ])('are late, not our fault: %s', async (_, headers, body) => {
    const seen = await late(headers, body);
    expect(seen).toMatch(/^:status: (200|504)$/m);
    expect(seen).toMatch(/^grpc-status: 4\r?$|"code":"deadline_exceeded"/m);
    expect(seen).toMatch(/^x-request-id: /m);
    expect(seen).toMatch(/grpc-status-details-bin: |forest\.v1\.RequestInfo/);
  });
});

describe('what is no call', () => {
  test.each([
    'PolicyService/NoSuchMethod',
    'NoSuchService/Status',
    'PolicyService/',
    'PolicyService',
    '/',
    'PolicyService/CreatePolicy/more',
    '..%2f..%2fetc/passwd',
    '%E0%A4%A/x',
  ])('an unknown method: %s', async (rest) => {
    const answer = await post(app, `/forest.v1.${rest}`, '{}', as());
    expect(answer.code).toBe('unimplemented');
    expect(answer.status).toBe(404);
    requireWords(answer);
    expect((await get(app, `/forest.v1.${rest}`)).code).toBe('unimplemented');
  });

  test.each([
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data',
    'application/connect+json',
    '',
  ])('the content type "%s"', async (type) => {
    const answer = await post(app, pathByName('PolicyService.CreatePolicy'), '{}', {
      ...as(),
      'content-type': type,
    });
    expect(answer.code).toBe('invalid_argument');
    expect(answer.status).toBe(415);
    expect(answer.message).toContain('content-type');
  });

  test.each(['PUT', 'DELETE', 'PATCH', 'GET', 'OPTIONS'])('the verb %s for what writes', async (verb) => {
    const response = await fetch(`${app.url}${pathByName('PolicyService.CreatePolicy')}`, {
      method: verb,
      headers: as(),
    });
    expect(response.status).toBe(405);
    expect(((await response.json()) as { code: string }).code).toBe('unimplemented');
  });

  test('by GET: bad base64, bad JSON, no encoding, a compression nobody knows', async () => {
    const path = pathByName('PolicyService.ListPolicies');
    const good = encodeURIComponent(JSON.stringify(requests['PolicyService.ListPolicies']));
    expect((await get(app, `${path}?encoding=json&message=${good}`, as())).code).toBe('ok');
    for (const query of [
      '',
      '?encoding=json',
      `?encoding=xml&message=${good}`,
      `?message=${good}`,
      '?encoding=json&message=%7B',
      '?encoding=json&message=%FF',
      '?encoding=json&base64=1&message=***',
      '?encoding=proto&base64=1&message=***',
      '?encoding=proto&base64=1&message=_____w',
      '?encoding=proto&message=%C3%28',
    ]) {
      const answer = await get(app, path + query, as());
      expect([query, answer.code]).toEqual([query, 'invalid_argument']);
      requireWords(answer, query);
    }
    const odd = await get(app, `${path}?encoding=json&compression=rot13&message=${good}`, as());
    expect(odd.code).toBe('unimplemented');
  });

  test.each([
    ['no Host', 'POST /forest.v1.StatusService/Status HTTP/1.0\r\n'],
    ['a Host that is none', 'POST /forest.v1.StatusService/Status HTTP/1.1\r\nHost: a b[\r\n'],
    ['an empty Host', 'POST /forest.v1.StatusService/Status HTTP/1.1\r\nHost:\r\n'],
    ['an absolute address', 'POST http://[/forest.v1.StatusService/Status HTTP/1.1\r\nHost: x\r\n'],
    ['escapes that are none', 'GET /%E0%A4%A HTTP/1.1\r\nHost: x\r\n'],
    ['no HTTP', 'HELLO\r\n'],
  ])('on the bare connection: %s', async (_, head) => {
    const { port } = new URL(app.url);
    const text = await new Promise<string>((resolve, reject) => {
      const socket = connect(Number(port), '127.0.0.1');
      let seen = '';
      socket.setTimeout(5_000, () => reject(new Error('no answer')));
      socket.on('data', (chunk) => {
        seen += chunk;
      });
      socket.on('close', () => resolve(seen));
      socket.on('error', reject);
      socket.write(
        `${head}Content-Type: application/json\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}`,
      );
    });
    expect(text).toMatch(/^HTTP\/1\.1 4\d\d /);
    expect((await post(app, pathByName('StatusService.Status'), '{}')).code).toBe('ok');
  });
});
