import { connect } from 'node:net';
import { type Chance, chanceOf } from '../faults/random.ts';

const PATIENCE_MS = 10_000;
const PATH = '/forest.v1.PolicyService/CreatePolicy';

const TARGETS: readonly [string, ...string[]] = [
  PATH,
  '/forest.v1.StatusService/Status',
  '/forest.v1.StatusService/Status?encoding=json&message=%7B%7D',
  'http://forage.example/forest.v1.StatusService/Status',
  'http://127.0.0.1:1/forest.v1.StatusService/Status',
  '//evil.example/forest.v1.StatusService/Status',
  '/./forest.v1.StatusService/../../etc/passwd',
  '/%2e%2e/%2e%2e/etc/passwd',
  '/assets/..%2f..%2fpackage.json',
  '/assets/%00',
  '/assets/%E0%A4%A',
  '/auth/oidc/../../start',
  '/auth/oidc/%00/callback?state=%ff&code=%ff',
  '/auth/oidc/acme/start?return_to=//evil.example',
  '/healthz',
  '/readyz',
  '/metrics',
  '/orgs/x/history',
  '*',
  'evil.example:443',
  `/${'x'.repeat(15_000)}`,
  '/\u00e9\u00ff',
  '/ with spaces',
  '',
];
const VERBS: readonly [string, ...string[]] = [
  'POST',
  'POST',
  'GET',
  'HEAD',
  'OPTIONS',
  'PUT',
  'DELETE',
  'TRACE',
  'CONNECT',
  'PATCH',
  'PROPFIND',
  'post',
  'HELLO',
  'PRI',
  '\u0000',
];
const HEADERS: readonly [string, ...string[]] = [
  'Content-Length: 2\r\nContent-Length: 40',
  'Content-Length: 2\r\nTransfer-Encoding: chunked',
  'Transfer-Encoding: chunked, identity',
  'Transfer-Encoding: xchunked',
  'Content-Length: -1',
  'Content-Length: 0x2',
  'Content-Length: 99999999999999999999',
  'Content-Length : 2',
  'Host: a\r\nHost: b',
  'Host: [::1',
  `X-Long: ${'y'.repeat(20_000)}`,
  `${'X-Many: 1\r\n'.repeat(2_500)}X-Last: 1`,
  'X-Nul: a\0b',
  ' folded: yes',
  'X-Folded: a\r\n b',
  ': no name',
  'no colon',
  'Expect: 100-continue',
  'Expect: the-unexpected',
  'Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA',
  'Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: x\r\nSec-WebSocket-Version: 13',
  'Range: bytes=0-,-1,999999999999-',
  'If-None-Match: "a", W/"b", *, ,',
  'If-Modified-Since: yesterday',
  'Accept-Encoding: br;q=2, *;q=-1, gzip;;;',
  'Cookie: forage_session=\x7f; __Host-forage_session=; =;;;=',
  'Authorization: Bearer \u00ff',
  `Authorization: Bearer ${'x'.repeat(9_000)}`,
  'Content-Type: application/json\r\nContent-Type: application/proto',
  'X-Forwarded-For: 1.1.1.1\r\nX-Forwarded-For: ::1, unknown, <script>',
];
const BODIES: readonly [string, ...string[]] = [
  '{}',
  '',
  '{"project":{}}',
  '5\r\nhello\r\n0\r\n\r\n',
  'ffffffffffffffff\r\n{}',
  '{}GET /healthz HTTP/1.1\r\n\r\n',
];

function requestOf(chance: Chance): Buffer {
  const version =
    chance.next() < 0.85 ? 'HTTP/1.1' : chance.pick(['HTTP/1.0', 'HTTP/0.9', 'HTTP/2.0', 'HTTP/1.1 ', '']);
  const end = chance.next() < 0.9 ? '\r\n' : chance.pick(['\n', '\r', '\r\r\n']);
  const lines = [`${chance.pick(VERBS)} ${chance.pick(TARGETS)} ${version}`];
  if (chance.next() < 0.9) lines.push('Host: 127.0.0.1');
  lines.push('Content-Type: application/json', 'Connection: close');
  for (let n = chance.whole(0, 3); n > 0; n--)
    lines.splice(chance.whole(1, lines.length), 0, chance.pick(HEADERS));
  const body = chance.pick(BODIES);
  if (chance.next() < 0.6) lines.push(`Content-Length: ${body.length}`);
  const whole = Buffer.from(`${lines.join(end)}${end}${end}${body}`, 'latin1');
  return chance.next() < 0.15 ? whole.subarray(0, chance.whole(0, whole.length)) : whole;
}

/** Sends bytes, says that no more come, and reads until the server closes. */
function exchange(url: string, bytes: Buffer): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true });
  let seen = '';
  socket.setTimeout(PATIENCE_MS, () => {
    seen = `it hangs after ${JSON.stringify(seen.slice(0, 200))}`;
    socket.destroy();
  });
  socket.on('data', (chunk) => {
    seen += chunk.toString('latin1');
  });
  socket.on('error', () => {});
  socket.on('close', () => resolve(seen));
  socket.on('end', () => socket.destroy());
  socket.end(bytes);
  return promise;
}

/**
 * Sends what is hardly HTTP over connections of its own: odd request lines, headers that contradict each other, bodies that
 * are not as long as they say, requests cut off.
 * @returns what each wrong answer was to; an answer is right when it is no error of the server's, or none at all.
 */
export async function rawFaults(url: string, seed: number, requests: number): Promise<string[]> {
  const chance = chanceOf(seed, 'raw');
  const faults: string[] = [];
  for (let n = 0; n < requests; n += 10) {
    const sent = Array.from({ length: Math.min(10, requests - n) }, () => requestOf(chance));
    const answers = await Promise.all(sent.map((bytes) => exchange(url, bytes)));
    for (const [i, answer] of answers.entries()) {
      const status = /^HTTP\/1\.[01] (\d{3})/.exec(answer)?.[1];
      // 501 and 505 name what the client asked for; nothing is an answer to what is no request.
      const http1 = status !== undefined && !/^5(?!01|05)/.test(status);
      // What opens as HTTP/2 does is answered in frames.
      const http2 = sent[i]?.subarray(0, 3).toString() === 'PRI' && answer.startsWith('\0\0');
      const fine = answer === '' || http1 || http2;
      const told = /root:.*:0:0|"name": "forage"|node_modules/.test(answer);
      if (fine && !told) continue;
      faults.push(
        `${JSON.stringify(sent[i]?.toString('latin1').slice(0, 400))}: ${JSON.stringify(answer.slice(0, 300))}`,
      );
    }
  }
  return faults;
}
