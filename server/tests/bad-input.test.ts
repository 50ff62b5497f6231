import { gzipSync } from 'node:zlib';
import { create, toBinary } from '@bufbuild/protobuf';
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ApproveReleaseRequestSchema } from '#server/gen/forest/v1/policies_pb.ts';
import { aimAt } from './aim.ts';
import { get, post, requestsFor } from './every-method.ts';
import { eventually, startTestApp } from './harness.ts';
import { pathByName, requireRefusal, rowsOf } from './raw-refusals.ts';
import { dial, http1 } from './sockets.ts';

const longVote = create(ApproveReleaseRequestSchema, { comment: 'a comment that is long enough to be cut' });

const app = await startTestApp();
afterAll(() => app.stop());
const { w, aim } = await aimAt(app);
const requests = requestsFor(aim, 'bad');

const CREATE = 'PolicyService.CreatePolicy';
const VOTE = 'PolicyService.ApproveRelease';
const as = () => ({ authorization: `Bearer ${w.admin.token}` });

describe('malformed messages are refused, and nothing is written', () => {
  let before: Record<string, number>;
  beforeEach(async () => {
    before = await rowsOf(app);
  });
  afterEach(async () => expect(await rowsOf(app)).toEqual(before));

  const notUtf8 = Buffer.from('{"name": "NAME"}');
  notUtf8[notUtf8.indexOf('NAME')] = 0xff;
  const field = (number: number, type: WireType) => new BinaryWriter().tag(number, type);

  test.each([
    ['broken JSON', '{"name": '],
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
    ['JSON with invalid UTF-8', notUtf8],
  ])('%s', async (about, body) => {
    const answer = await post(app, pathByName(CREATE), body, as());
    expect(answer.code).toBe('invalid_argument');
    requireRefusal(answer, about);
  });

  test.each([
    ['random bytes', Uint8Array.of(0xff, 0xff, 0xff, 0xff)],
    ['a truncated message', toBinary(ApproveReleaseRequestSchema, longVote).subarray(0, 20)],
    ['a length beyond the end', Uint8Array.of(0x0a, 0xff, 0xff, 0xff, 0xff, 0x07)],
    ['invalid UTF-8', field(4, WireType.LengthDelimited).bytes(Uint8Array.of(0xc3, 0x28)).finish()],
    ['a group that never ends', field(99, WireType.StartGroup).finish()],
    ['the wrong wire type', field(2, WireType.Varint).uint32(7).finish()],
    ['field number 0', Uint8Array.of(0x00, 0x01)],
  ])('in binary: %s', async (about, bytes) => {
    const headers = { ...as(), 'content-type': 'application/proto' };
    const answer = await post(app, pathByName(VOTE), Buffer.from(bytes), headers);
    expect([about, answer.code]).toEqual([about, 'invalid_argument']);
    requireRefusal(answer, about);
  });

  test('8 MB, plain and compressed', async () => {
    const body = JSON.stringify({ ...requests[CREATE], name: 'x'.repeat(8 * 1024 * 1024) });
    const zipped = { ...as(), 'content-encoding': 'gzip' };
    for (const answer of [
      await post(app, pathByName(CREATE), body, as()),
      await post(app, pathByName(CREATE), gzipSync(body), zipped),
    ]) {
      expect(answer.code).toBe('resource_exhausted');
      requireRefusal(answer);
    }
    // Without credentials the body is not read.
    expect((await post(app, pathByName(CREATE), body)).code).toBe('unauthenticated');
  });

  test('a message that turns out too large before it has ended', async () => {
    // Without a length, and without the last chunk.
    const chunk = 'x'.repeat(5_000_000);
    const { socket, received } = dial(
      app.url,
      `POST ${pathByName(CREATE)} HTTP/1.1\r\nHost: x\r\nAuthorization: ${as().authorization}\r\n` +
        `Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n${chunk.length.toString(16)}\r\n${chunk}\r\n`,
    );
    await eventually(async () => received().includes('resource_exhausted'), 'the refusal');
    expect(received()).toMatch(/^HTTP\/1\.1 429 /);
    socket.destroy();
  });

  test.each([
    ['gzip', 'invalid_argument'],
    ['rot13', 'unimplemented'],
  ])('the content encoding %s of a body that is not encoded', async (encoding, code) => {
    const headers = { ...as(), 'content-encoding': encoding };
    const answer = await post(app, pathByName(CREATE), JSON.stringify(requests[CREATE]), headers);
    expect(answer.code).toBe(code);
    requireRefusal(answer);
  });
});

test('refuses a call whose deadline has passed before it reads the message', async () => {
  const headers = { ...as(), 'content-type': 'application/proto', 'connect-timeout-ms': '0' };
  const answer = await post(app, pathByName(VOTE), Buffer.of(0xff), headers);
  expect([answer.status, answer.code]).toEqual([504, 'deadline_exceeded']);
});

test.each([
  ['PolicyService.ListPolicies', { project: {}, naem: 1 }, 'Unknown field "naem"'],
  ['PolicyService.CreatePolicy', { nmae: 'x' }, 'Unknown field "nmae". Did you mean "name"?'],
  [
    'ReleaseService.Release',
    { artifactId: 'x', enviroments: ['staging'] },
    'Unknown field "enviroments". Did you mean "environments"?',
  ],
  [
    'PolicyService.ListPolicies',
    { project: { organization: 'x' } },
    'Unknown field "organization". Did you mean "organisation"?',
  ],
  ['PolicyService.CreatePolicy', { ['x'.repeat(5_000)]: 1 }, `Unknown field "${'x'.repeat(985)}…`],
])('names an unknown JSON field of %s and the most similar known one: %j', async (method, body, message) => {
  const answer = await post(app, pathByName(method), JSON.stringify(body), as());
  expect([answer.code, answer.message]).toEqual(['invalid_argument', message]);
});

describe('requests that cannot be calls are refused', () => {
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
    expect([answer.status, answer.code]).toEqual([404, 'unimplemented']);
    requireRefusal(answer);
    expect((await get(app, `/forest.v1.${rest}`)).code).toBe('unimplemented');
  });

  test.each([
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data',
    'application/connect+json',
    '',
  ])('the content type "%s"', async (type) => {
    const answer = await post(app, pathByName(CREATE), '{}', { ...as(), 'content-type': type });
    expect([answer.status, answer.code]).toEqual([415, 'invalid_argument']);
    expect(answer.message).toContain('content-type');
  });

  test.each(['PUT', 'DELETE', 'PATCH', 'GET', 'OPTIONS'])('%s for a call that writes', async (method) => {
    const { status, body } = await http1(`${app.url}${pathByName(CREATE)}`, { method, headers: as() });
    expect([status, JSON.parse(body.toString())]).toMatchObject([405, { code: 'unimplemented' }]);
  });

  test('GET with invalid base64, JSON, encoding or compression', async () => {
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
      requireRefusal(answer, query);
    }
    const odd = await get(app, `${path}?encoding=json&compression=rot13&message=${good}`, as());
    expect(odd.code).toBe('unimplemented');
  });

  test.each([
    ['no Host', 'POST /forest.v1.StatusService/Status HTTP/1.0\r\n'],
    ['an invalid Host', 'POST /forest.v1.StatusService/Status HTTP/1.1\r\nHost: a b[\r\n'],
    ['an empty Host', 'POST /forest.v1.StatusService/Status HTTP/1.1\r\nHost:\r\n'],
    ['an absolute address', 'POST http://[/forest.v1.StatusService/Status HTTP/1.1\r\nHost: x\r\n'],
    ['invalid escapes', 'GET /%E0%A4%A HTTP/1.1\r\nHost: x\r\n'],
    ['bytes that are not HTTP', 'HELLO\r\n'],
  ])('over TCP: %s', async (_, head) => {
    const rest = 'Content-Type: application/json\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}';
    expect(await dial(app.url, `${head}${rest}`).closed).toMatch(/^HTTP\/1\.1 4\d\d /);
    expect((await post(app, pathByName('StatusService.Status'), '{}')).code).toBe('ok');
  });
});
