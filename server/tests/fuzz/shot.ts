import { gzipSync } from 'node:zlib';
import { type DescMethod, fromJson, type JsonObject, toBinary } from '@bufbuild/protobuf';
import { MethodOptions_IdempotencyLevel } from '@bufbuild/protobuf/wkt';
import { type Aim, nameOf, pathOf, requestsFor } from '../every-method.ts';
import type { Chance } from '../faults/random.ts';
import { brokenJson, mutatedJson } from './json-mutation.ts';
import { oddText } from './odd-values.ts';
import { nameOfText, type TextField, withText } from './text-fields.ts';
import { brokenBytes, mutatedFields } from './wire-mutation.ts';

export type Protocol = 'connect' | 'connect stream' | 'get' | 'grpc' | 'grpc-web';

/** One request, as it goes over the wire. */
export interface Shot {
  /** Method, protocol, form of the message and what was done to it; for the report. */
  readonly about: string;
  readonly method: DescMethod;
  readonly reads: boolean;
  readonly protocol: Protocol;
  readonly http2: boolean;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

const HEADERS: readonly [readonly [string, string], ...(readonly [string, string])[]] = [
  ['content-encoding', 'gzip'],
  ['content-encoding', 'br, gzip'],
  ['connect-content-encoding', 'gzip'],
  ['grpc-encoding', 'gzip'],
  ['grpc-encoding', 'rot13'],
  ['grpc-accept-encoding', 'rot13,,identity;q=x'],
  ['accept-encoding', 'gzip;q=0, *'],
  ['connect-accept-encoding', '\t,'],
  ['connect-protocol-version', '2'],
  ['connect-timeout-ms', '-1'],
  ['connect-timeout-ms', 'soon'],
  ['connect-timeout-ms', '99999999999'],
  ['connect-timeout-ms', '1'],
  ['grpc-timeout', '1x'],
  ['grpc-timeout', '999999999H'],
  ['grpc-timeout', '1u'],
  ['content-type', 'application/json; charset=utf-16'],
  ['content-type', 'application/grpc+xml'],
  ['content-type', 'text/plain'],
  ['content-type', 'application/connect+json'],
  ['content-type', 'application/proto'],
  ['x-csrf-token', 'x'.repeat(5_000)],
  ['cookie', `forage_session=${'%'.repeat(300)}; a; =; ;;`],
  ['x-forwarded-for', 'unknown, 999.1.1.1, [::1'],
  ['forwarded', 'for="_hidden";by=;;'],
  ['x-request-id', '"}{\t<b>'],
  ['traceparent', '00-00000000000000000000000000000000-0000000000000000-ff'],
  ['tracestate', '=,=,='],
  ['if-none-match', 'W/"x", *, "'],
  ['sec-fetch-site', 'cross-site'],
  ['origin', 'null'],
  ['origin', 'https://[::1'],
  ['authorization', 'Bearer '],
  ['authorization', 'Basic Og=='],
  ['user-agent', '\u00ff'.repeat(1_000)],
];

const KIND_FLAGS: readonly [number, ...number[]] = [0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 0x80, 0xff];

function frame(message: Uint8Array, flags = 0, length = message.length): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt8(flags, 0);
  head.writeUInt32BE(length, 1);
  return Buffer.concat([head, message]);
}

/** One frame of a stream, mostly a right one. */
function oddFrame(message: Uint8Array, chance: Chance): Buffer {
  const flags = chance.pick(KIND_FLAGS);
  const payload = flags === 1 && chance.next() < 0.7 ? gzipSync(message) : Buffer.from(message);
  const length =
    chance.next() < 0.04 ? chance.pick([0, 1, payload.length + 9, 2 ** 31, 2 ** 32 - 1]) : payload.length;
  return frame(payload, flags, length);
}

const TYPES: Readonly<Record<Exclude<Protocol, 'get'>, readonly [json: string, binary: string]>> = {
  connect: ['application/json', 'application/proto'],
  'connect stream': ['application/connect+json', 'application/connect+proto'],
  grpc: ['application/grpc+json', 'application/grpc+proto'],
  'grpc-web': ['application/grpc-web+json', 'application/grpc-web+proto'],
};

interface Payload {
  readonly bytes: Uint8Array;
  readonly form: string;
  readonly json: boolean;
}

/** What the types of destinations ask for, of a new one and of the one that stands. */
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
    metadata: { seconds: '0', fail: 'true', fail_message: 'words' },
  },
};

function payloadOf(
  method: DescMethod,
  plain: JsonObject,
  chance: Chance,
  aim: Aim,
  text: TextField | null,
): Payload {
  const request = { ...plain, ...METADATA[nameOf(method)] };
  if (text !== null) {
    const odd = JSON.stringify(withText(request, text, oddText(chance), chance));
    return { bytes: Buffer.from(odd), form: `another text for ${nameOfText(text)}`, json: true };
  }
  if (chance.next() < 0.5) {
    const json = mutatedJson(request, method.input, chance, aim);
    const text = JSON.stringify(json);
    if (chance.next() < 0.35) return { bytes: brokenJson(text, chance), form: 'broken JSON', json: true };
    return { bytes: Buffer.from(text), form: 'JSON', json: true };
  }
  const right = toBinary(method.input, fromJson(method.input, request));
  if (chance.next() < 0.35) return { bytes: brokenBytes(right, chance), form: 'broken bytes', json: false };
  return { bytes: mutatedFields(right, method.input, chance), form: 'fields', json: false };
}

function protocolOf(
  method: DescMethod,
  reads: boolean,
  chance: Chance,
): { protocol: Protocol; http2: boolean } {
  const dice = chance.next();
  if (dice < 0.2) return { protocol: 'grpc', http2: chance.next() < 0.9 };
  if (dice < 0.35) return { protocol: 'grpc-web', http2: chance.next() < 0.3 };
  const http2 = method.methodKind === 'bidi_streaming' ? chance.next() < 0.8 : chance.next() < 0.2;
  if (method.methodKind !== 'unary') return { protocol: 'connect stream', http2 };
  return { protocol: reads && dice > 0.8 ? 'get' : 'connect', http2 };
}

function queryOf({ bytes, json }: Payload, chance: Chance): string {
  const text = Buffer.from(bytes);
  const parts = [
    ['encoding', chance.next() < 0.95 ? (json ? 'json' : 'proto') : chance.pick(['xml', '', 'JSON'])],
    ...(json && chance.next() < 0.7
      ? [['message', text.toString('latin1')]]
      : [
          ['base64', '1'],
          ['message', text.toString('base64url')],
        ]),
    ...(chance.next() < 0.9
      ? [['connect', 'v1']]
      : [
          ['connect', 'v9'],
          ['compression', 'gzip'],
        ]),
  ];
  const query = parts.map(([name, value]) => `${name}=${encodeURIComponent(value ?? '')}`).join('&');
  // Half of an escape at the end.
  return chance.next() < 0.03 ? `${query}%E0%A4` : query;
}

/**
 * Makes a valid request of a method and spoils it at one of the levels: fields, bytes, frames, headers, address. With `text`
 * nothing but the text of that field is odd.
 */
export function shotOf(
  method: DescMethod,
  aim: Aim,
  unique: string,
  caller: { readonly name: string; readonly headers: Readonly<Record<string, string>> },
  chance: Chance,
  text: TextField | null = null,
): Shot {
  const request = requestsFor(aim, unique)[nameOf(method)] ?? {};
  const reads = method.idempotency === MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS;
  const { protocol, http2 } = protocolOf(method, reads, chance);
  const payload = payloadOf(method, request, chance, aim, text);
  const headers: Record<string, string> = { ...caller.headers };
  let spoilt = '';
  let path = pathOf(method);
  let body: Uint8Array = new Uint8Array();
  if (protocol === 'get') path = `${path}?${queryOf(payload, chance)}`;
  else {
    headers['content-type'] = TYPES[protocol][payload.json ? 0 : 1];
    if (protocol === 'grpc') headers['te'] = 'trailers';
    const frames = chance.next() < 0.05 ? chance.whole(0, 3) : 1;
    if (protocol === 'connect') body = payload.bytes;
    else if (text !== null) body = frame(payload.bytes);
    else body = Buffer.concat(Array.from({ length: frames }, () => oddFrame(payload.bytes, chance)));
  }
  if (text === null && chance.next() < 0.12) {
    const [name, value] = chance.pick(HEADERS);
    headers[name] = value;
    spoilt = `, ${name}: ${value.slice(0, 40)}`;
    if (value === 'gzip' && name === 'content-encoding' && chance.next() < 0.6) body = gzipSync(body);
  }
  return {
    about: `${nameOf(method)} by ${protocol} over HTTP/${http2 ? 2 : 1} as ${caller.name}: ${payload.form}${spoilt}`,
    method,
    reads,
    protocol,
    http2,
    path: path.length > 12_000 ? path.slice(0, 12_000) : path,
    headers,
    body,
  };
}
