import { gzipSync } from 'node:zlib';
import { type DescMethod, fromJson, type JsonObject, toBinary } from '@bufbuild/protobuf';
import { MethodOptions_IdempotencyLevel } from '@bufbuild/protobuf/wkt';
import { type Aim, nameOf, pathOf, requestsFor } from '../every-method.ts';
import type { Random } from '../faults/random.ts';
import { brokenBytes, brokenJson, mutatedFields, mutatedJson, oddText, words } from './mutations.ts';
import type { FuzzCaller } from './target.ts';
import { nameOfText, type TextField, withText } from './text-fields.ts';

type Choices = readonly [string, ...string[]];
export type Protocol = 'connect' | 'connect stream' | 'get' | 'grpc' | 'grpc-web';

/** One request as it is sent. */
export interface Attempt {
  /** Method, protocol, form of the message and mutations; for the report. */
  readonly about: string;
  readonly method: DescMethod;
  readonly reads: boolean;
  readonly protocol: Protocol;
  readonly http2: boolean;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

/** Odd values of headers. */
const HEADERS: Readonly<Record<string, Choices>> = {
  'content-encoding': ['gzip', 'br, gzip'],
  'connect-content-encoding': ['gzip'],
  'grpc-encoding': ['gzip', 'rot13'],
  'grpc-accept-encoding': ['rot13,,identity;q=x'],
  'accept-encoding': ['gzip;q=0, *'],
  'connect-accept-encoding': ['\t,'],
  'connect-protocol-version': ['2'],
  'connect-timeout-ms': ['-1', 'soon', '99999999999', '1'],
  'grpc-timeout': ['1x', '999999999H', '1u'],
  'content-type': [
    'application/json; charset=utf-16',
    ...words('application/grpc+xml text/plain application/connect+json application/proto'),
  ],
  'x-csrf-token': ['x'.repeat(5_000)],
  cookie: [`forage_session=${'%'.repeat(300)}; a; =; ;;`],
  'x-forwarded-for': ['unknown, 999.1.1.1, [::1'],
  forwarded: ['for="_hidden";by=;;'],
  'x-request-id': ['"}{\t<b>'],
  traceparent: ['00-00000000000000000000000000000000-0000000000000000-ff'],
  tracestate: ['=,=,='],
  'if-none-match': ['W/"x", *, "'],
  'sec-fetch-site': ['cross-site'],
  origin: ['null', 'https://[::1'],
  authorization: ['Bearer ', 'Basic Og=='],
  'user-agent': ['\u00ff'.repeat(1_000)],
};

function frame(message: Uint8Array, flags = 0, length = message.length): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt8(flags, 0);
  head.writeUInt32BE(length, 1);
  return Buffer.concat([head, message]);
}

/** One frame of a stream, usually a valid one. */
function oddFrame(message: Uint8Array, random: Random): Buffer {
  const flags = random.pick([0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 0x80, 0xff]);
  const payload = flags === 1 && random.next() < 0.7 ? gzipSync(message) : Buffer.from(message);
  const lengths = [0, 1, payload.length + 9, 2 ** 31, 2 ** 32 - 1] as const;
  return frame(payload, flags, random.next() < 0.04 ? random.pick(lengths) : payload.length);
}

const TYPES: Readonly<Record<Exclude<Protocol, 'get'>, string>> = {
  connect: 'application/',
  'connect stream': 'application/connect+',
  grpc: 'application/grpc+',
  'grpc-web': 'application/grpc-web+',
};

interface Payload {
  readonly bytes: Uint8Array;
  readonly form: string;
  readonly json: boolean;
}

/** Metadata that the destination types accept. */
const METADATA: Readonly<Record<string, JsonObject>> = {
  'DestinationService.CreateDestination': {
    environment: 'qa',
    type: { organisation: 'forage', name: 'webhook', version: '1' },
    metadata: {
      url: 'https://hooks.example/deploy',
      secret: `whsec_${Buffer.alloc(32, 7).toString('base64')}`,
      timeout_seconds: '5',
    },
  },
  'DestinationService.UpdateDestination': {
    metadata: { seconds: '0', fail: 'true', fail_message: 'failed' },
  },
};

function payloadOf(
  method: DescMethod,
  request: JsonObject,
  aim: Aim,
  random: Random,
  text: TextField | null,
): Payload {
  if (text !== null) {
    const odd = JSON.stringify(withText(request, text, oddText(random), random));
    return { bytes: Buffer.from(odd), form: `another text for ${nameOfText(text)}`, json: true };
  }
  const isBroken = random.next() < 0.35;
  if (random.next() < 0.5) {
    const odd = JSON.stringify(mutatedJson(request, method.input, random, aim));
    return isBroken
      ? { bytes: brokenJson(odd, random), form: 'broken JSON', json: true }
      : { bytes: Buffer.from(odd), form: 'JSON', json: true };
  }
  const right = toBinary(method.input, fromJson(method.input, request));
  return isBroken
    ? { bytes: brokenBytes(right, random), form: 'broken bytes', json: false }
    : { bytes: mutatedFields(right, method.input, random), form: 'fields', json: false };
}

function protocolOf({ methodKind }: DescMethod, reads: boolean, random: Random) {
  const by = (protocol: Protocol, share: number) => ({ protocol, http2: random.next() < share });
  const dice = random.next();
  if (dice < 0.2) return by('grpc', 0.9);
  if (dice < 0.35) return by('grpc-web', 0.3);
  if (methodKind !== 'unary') return by('connect stream', methodKind === 'bidi_streaming' ? 0.8 : 0.2);
  return by(reads && dice > 0.8 ? 'get' : 'connect', 0.2);
}

function queryOf({ bytes, json }: Payload, random: Random): string {
  const text = Buffer.from(bytes);
  const isPlain = json && random.next() < 0.7;
  const right = json ? 'json' : 'proto';
  const query = new URLSearchParams({
    encoding: random.next() < 0.95 ? right : random.pick(['xml', '', 'JSON']),
    message: isPlain ? text.toString('latin1') : text.toString('base64url'),
    ...(isPlain ? {} : { base64: '1' }),
    ...(random.next() < 0.9 ? { connect: 'v1' } : { connect: 'v9', compression: 'gzip' }),
  });
  // A truncated escape at the end.
  return `${query}${random.next() < 0.03 ? '%E0%A4' : ''}`;
}

/**
 * Creates a valid request of a method and mutates its fields, bytes, frames, headers or address. With `text`, only the text of that
 * field changes.
 */
export function attemptOf(
  method: DescMethod,
  aim: Aim,
  unique: string,
  caller: FuzzCaller,
  random: Random,
  text: TextField | null = null,
): Attempt {
  const request = { ...requestsFor(aim, unique)[nameOf(method)], ...METADATA[nameOf(method)] };
  const reads = method.idempotency === MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS;
  const { protocol, http2 } = protocolOf(method, reads, random);
  const payload = payloadOf(method, request, aim, random, text);
  const headers: Record<string, string> = { ...caller.headers };
  let about = `${nameOf(method)} by ${protocol} over HTTP/${http2 ? 2 : 1} as ${caller.name}: ${payload.form}`;
  let path = pathOf(method);
  let body: Uint8Array = new Uint8Array();
  if (protocol === 'get') path = `${path}?${queryOf(payload, random)}`.slice(0, 12_000);
  else {
    headers['content-type'] = `${TYPES[protocol]}${payload.json ? 'json' : 'proto'}`;
    if (protocol === 'grpc') headers['te'] = 'trailers';
    const frames = random.next() < 0.05 ? random.integer(0, 3) : 1;
    if (protocol === 'connect') body = payload.bytes;
    else if (text !== null) body = frame(payload.bytes);
    else body = Buffer.concat(Array.from({ length: frames }, () => oddFrame(payload.bytes, random)));
  }
  if (text === null && random.next() < 0.12) {
    const name = random.pick(Object.keys(HEADERS) as unknown as Choices);
    const value = random.pick(HEADERS[name] ?? ['']);
    headers[name] = value;
    about += `, ${name}: ${value.slice(0, 40)}`;
    if (value === 'gzip' && name === 'content-encoding' && random.next() < 0.6) body = gzipSync(body);
  }
  return { about, method, reads, protocol, http2, path, headers, body };
}
