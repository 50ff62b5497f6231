import { type Random, seededRandom } from '../faults/random.ts';
import { dial } from '../sockets.ts';
import { words } from './mutations.ts';

const TIMEOUT_MS = 10_000;
type Choices = readonly [string, ...string[]];

const TARGETS: Choices = [
  ...words('/forest.v1.PolicyService/CreatePolicy /forest.v1.StatusService/Status'),
  ...words(
    '/forest.v1.StatusService/Status?encoding=json&message=%7B%7D /healthz /readyz /metrics /orgs/x/history',
  ),
  ...words(
    'http://forage.example/forest.v1.StatusService/Status http://127.0.0.1:1/healthz evil.example:443 *',
  ),
  ...words('//evil.example/forest.v1.StatusService/Status /./forest.v1.StatusService/../../etc/passwd'),
  ...words('/%2e%2e/%2e%2e/etc/passwd /assets/..%2f..%2fpackage.json /assets/%00 /assets/%E0%A4%A'),
  ...words('/auth/oidc/../../start /auth/oidc/%00/callback?state=%ff&code=%ff'),
  ...[
    '/auth/oidc/acme/start?return_to=//evil.example',
    `/${'x'.repeat(15_000)}`,
    '/\u00e9\u00ff',
    '/ with spaces',
    '',
  ],
];
const VERBS: Choices = [
  ...words('POST POST GET HEAD OPTIONS PUT DELETE TRACE CONNECT PATCH PROPFIND post HELLO PRI'),
  '\0',
];
const HEADERS: Choices = [
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
const BODIES: Choices = [
  '{}GET /healthz HTTP/1.1\r\n\r\n',
  ...['{}', '', '{"project":{}}', '5\r\nhello\r\n0\r\n\r\n', 'ffffffffffffffff\r\n{}'],
];

function requestOf(random: Random): Buffer {
  const version =
    random.next() < 0.85 ? 'HTTP/1.1' : random.pick(['HTTP/1.0', 'HTTP/0.9', 'HTTP/2.0', 'HTTP/1.1 ', '']);
  const end = random.next() < 0.9 ? '\r\n' : random.pick(['\n', '\r', '\r\r\n']);
  const lines = [`${random.pick(VERBS)} ${random.pick(TARGETS)} ${version}`];
  if (random.next() < 0.9) lines.push('Host: 127.0.0.1');
  lines.push('Content-Type: application/json', 'Connection: close');
  for (let n = random.integer(0, 3); n > 0; n--)
    lines.splice(random.integer(1, lines.length), 0, random.pick(HEADERS));
  const body = random.pick(BODIES);
  if (random.next() < 0.6) lines.push(`Content-Length: ${body.length}`);
  const whole = Buffer.from(`${lines.join(end)}${end}${end}${body}`, 'latin1');
  return random.next() < 0.15 ? whole.subarray(0, random.integer(0, whole.length)) : whole;
}

/** Sends bytes, half-closes the connection, and reads until the server closes it. */
async function exchange(url: string, bytes: Buffer): Promise<string> {
  const { socket, closed } = dial(url);
  let isLate = false;
  socket.setTimeout(TIMEOUT_MS, () => {
    isLate = true;
    socket.destroy();
  });
  socket.end(bytes);
  const text = await closed;
  return isLate ? `no answer in time after ${text}` : text;
}

/**
 * Sends malformed HTTP over TCP: unusual request lines, contradictory headers, bodies of a wrong length, truncated requests.
 * @returns the requests that were answered by a server error, by anything but HTTP, or with content of files
 */
export async function rawFaults(url: string, seed: number, requests: number): Promise<string[]> {
  const random = seededRandom(seed, 'raw');
  const faults: string[] = [];
  for (let n = 0; n < requests; n += 10) {
    const sent = Array.from({ length: Math.min(10, requests - n) }, () => requestOf(random));
    const answers = await Promise.all(sent.map((bytes) => exchange(url, bytes)));
    for (const [i, answer] of answers.entries()) {
      const status = /^HTTP\/1\.[01] (\d{3})/.exec(answer)?.[1];
      // 501 and 505 concern the request.
      const http1 = status !== undefined && !/^5(?!01|05)/.test(status);
      // The HTTP/2 preface is answered in frames.
      const http2 = sent[i]?.subarray(0, 3).toString() === 'PRI' && answer.startsWith('\0\0');
      const fine = answer === '' || http1 || http2;
      const leaks = /root:.*:0:0|"name": "forage"|node_modules/.test(answer);
      if (fine && !leaks) continue;
      faults.push(
        `${JSON.stringify(sent[i]?.toString('latin1').slice(0, 400))}: ${JSON.stringify(answer.slice(0, 300))}`,
      );
    }
  }
  return faults;
}
