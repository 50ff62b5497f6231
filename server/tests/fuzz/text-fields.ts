import {
  type DescField,
  type DescMessage,
  type DescMethod,
  type JsonObject,
  type JsonValue,
  ScalarType,
} from '@bufbuild/protobuf';
import { everyMethod } from '../every-method.ts';
import type { Random } from '../faults/random.ts';

/** A text field of a method's request, identified by its path; for a map, its keys or values. */
export interface TextField {
  readonly method: DescMethod;
  readonly path: readonly DescField[];
  readonly isKey: boolean;
}

const isText = ({ scalar }: DescField) => scalar === ScalarType.STRING || scalar === ScalarType.BYTES;

const within = (message: DescMessage, method: DescMethod, before: readonly DescField[] = []): TextField[] =>
  message.fields.flatMap((field) => {
    const path = [...before, field];
    const found = isText(field) ? [{ method, path, isKey: false }] : [];
    if (field.fieldKind === 'map') found.push({ method, path, isKey: true });
    // Recursive messages once.
    const isNew = !before.some((one) => one.message === field.message);
    return field.message && isNew ? [...found, ...within(field.message, method, path)] : found;
  });

/** All text fields of all methods. */
export const everyTextField: readonly TextField[] = everyMethod.flatMap((method) =>
  within(method.input, method),
);

export const nameOfText = ({ path, isKey }: TextField): string =>
  `${path.map(({ name }) => name).join('.')}${isKey ? ' (key)' : ''}`;

const objectOf = (value: JsonValue | undefined): JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {};

/** A request with another text in one field; missing parent messages are created. */
export function withText(request: JsonObject, at: TextField, text: string, random: Random): JsonObject {
  const [field, ...path] = at.path;
  if (field === undefined) return request;
  const inner = (value: JsonValue | undefined): JsonValue =>
    path.length === 0 ? text : withText(objectOf(value), { ...at, path }, text, random);
  const copy = { ...request };
  const old = copy[field.jsonName];
  // Two fields of a oneof would be refused.
  for (const { jsonName } of field.oneof?.fields ?? []) delete copy[jsonName];
  if (field.fieldKind === 'list') {
    const [first, ...others] = Array.isArray(old) ? old : [];
    copy[field.jsonName] = [inner(first), ...others];
  } else if (field.fieldKind === 'map') {
    const key = at.isKey ? text : random.pick(['k', ...Object.keys(objectOf(old))]);
    copy[field.jsonName] = { ...objectOf(old), [key]: at.isKey ? 'v' : inner(undefined) };
  } else copy[field.jsonName] = inner(old);
  return copy;
}
