import { create, isMessage, type Message, toBinary } from '@bufbuild/protobuf';
import { ViolationsSchema } from '@bufbuild/protovalidate/gen/buf/validate/validate_pb.js';
import type { ConnectError } from '@connectrpc/connect';

/** Words for people; what repeats a whole request is cut. */
const MOST_CHARACTERS = 1_000;
/** With the words, their escapes and the other trailers still below the 16 kB that a frame of HTTP/2 holds. */
const MOST_DETAIL_BYTES = 4_000;
/** A form with more mistakes shows the others once these are mended. */
const MOST_VIOLATIONS = 20;

/**
 * Makes an error's words and details fit to be written in every protocol, also where they repeat what a request said: gRPC
 * writes them as trailers, which can hold neither half a character nor more than one frame, and would leave the call
 * without an answer.
 */
export function bound(error: ConnectError): void {
  const words = error.rawMessage;
  const cut = words.length > MOST_CHARACTERS ? `${words.slice(0, MOST_CHARACTERS)}…` : words;
  Object.assign(error, { rawMessage: cut.toWellFormed() });
  const kept: ConnectError['details'] = [];
  let left = MOST_DETAIL_BYTES;
  for (const detail of error.details) {
    if (!('desc' in detail)) continue;
    const value = fewer(create(detail.desc, detail.value));
    left -= toBinary(detail.desc, value).length;
    if (left >= 0) kept.push({ desc: detail.desc, value });
  }
  error.details = kept;
}

/** The first of many violations, without what they repeat at length: the key of a map may be as long as a request. */
function fewer(value: Message): Message {
  if (!isMessage(value, ViolationsSchema)) return value;
  const short = value.violations
    .filter((violation) => JSON.stringify(violation.field?.elements ?? [], withoutBigInts).length < 600)
    .slice(0, MOST_VIOLATIONS);
  return create(ViolationsSchema, { violations: short });
}

const withoutBigInts = (_: string, value: unknown): unknown =>
  typeof value === 'bigint' ? String(value) : value;
