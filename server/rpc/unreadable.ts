import { isFieldError } from '@bufbuild/protobuf/reflect';
import { Code, type ConnectError } from '@connectrpc/connect';
import { closest, distance } from 'fastest-levenshtein';
import type { FieldProblem } from '#domain/problem.ts';
import { contractTypes } from './contract.ts';

const MALFORMED = /^parse binary|^received compressed envelope|decompress/;
const UNKNOWN_FIELD = /^cannot decode message (\S+) from JSON: key "(.*)" is unknown$/s;
/** A longer name is not a misspelling. */
const MAX_NAME = 100;

/** Whether Connect could not read the bytes of a message. It reports that as `internal`, though the caller sent them. */
export const isMalformed = ({ code, rawMessage }: ConnectError): boolean =>
  code === Code.Internal && MALFORMED.test(rawMessage);

/** A message that names an unknown JSON field and the most similar known one; null for other errors of Protobuf. */
export function unknownFieldMessage(protobufMessage: string): string | null {
  const [, typeName = '', name] = UNKNOWN_FIELD.exec(protobufMessage) ?? [];
  if (name === undefined) return null;
  const known = contractTypes.getMessage(typeName)?.fields.map(({ jsonName }) => jsonName) ?? [];
  // Names can be megabytes long, and the distance takes the product of two lengths.
  const nearest = name.length > MAX_NAME || known.length === 0 ? '' : closest(name, known);
  const isSimilar = nearest !== '' && distance(name, nearest) <= Math.max(2, nearest.length / 3);
  return isSimilar ? `Unknown field "${name}". Did you mean "${nearest}"?` : `Unknown field "${name}"`;
}

/** The field that Protobuf could not read from JSON; null for other errors. */
export function unreadableField(error: Error): FieldProblem | null {
  for (let cause = error.cause; cause instanceof Error; cause = cause.cause)
    if (isFieldError(cause)) return { field: cause.field().name, message: cause.message };
  return null;
}
