import {
  type DescField,
  type DescMessage,
  type DescMethod,
  type JsonObject,
  type JsonValue,
  ScalarType,
} from '@bufbuild/protobuf';
import { everyMethod } from '../every-method.ts';
import type { Chance } from '../faults/random.ts';

/** A place in a method's request that takes text, by the fields that lead to it; in a map, its keys or its values. */
export interface TextField {
  readonly method: DescMethod;
  readonly path: readonly DescField[];
  readonly of: 'text' | 'key';
}

const isText = (scalar: ScalarType | undefined): boolean =>
  scalar === ScalarType.STRING || scalar === ScalarType.BYTES;

function within(message: DescMessage, method: DescMethod, before: readonly DescField[]): TextField[] {
  return message.fields.flatMap((field): TextField[] => {
    const path = [...before, field];
    const found: TextField[] = isText(field.scalar) ? [{ method, path, of: 'text' }] : [];
    if (field.fieldKind === 'map') found.push({ method, path, of: 'key' });
    // A message within itself has been seen once.
    const inner = before.some((one) => one.message === field.message) ? undefined : field.message;
    return inner === undefined ? found : [...found, ...within(inner, method, path)];
  });
}

/** Every place of every method that takes text, however deep. */
export const everyTextField: readonly TextField[] = everyMethod.flatMap((method) =>
  within(method.input, method, []),
);

export const nameOfText = ({ path, of }: TextField): string =>
  `${path.map(({ name }) => name).join('.')}${of === 'key' ? ' (key)' : ''}`;

const isObject = (value: JsonValue | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const objectOf = (value: JsonValue | undefined): JsonObject => (isObject(value) ? value : {});

/** A request with another text in one place; what the place stands in is made where the request has none of it. */
export function withText(request: JsonObject, field: TextField, text: string, chance: Chance): JsonObject {
  return placed(request, field.path, (field.of === 'key' ? keyed : put)(text, chance));
}

type Put = (value: JsonValue | undefined, field: DescField) => JsonValue;

const put =
  (text: string, chance: Chance): Put =>
  (value, field) => {
    if (field.fieldKind === 'list') return [text];
    if (field.fieldKind !== 'map') return text;
    const map = objectOf(value);
    return { ...map, [chance.pick(['k', ...Object.keys(map)])]: text };
  };

const keyed =
  (text: string): Put =>
  (value) => ({ ...objectOf(value), [text]: 'v' });

function placed(message: JsonObject, [field, ...rest]: readonly DescField[], put: Put): JsonObject {
  if (field === undefined) return message;
  const copy = { ...message };
  // Two of a oneof would be refused as such.
  for (const { jsonName } of field.oneof?.fields ?? [])
    if (jsonName !== field.jsonName) delete copy[jsonName];
  const value = copy[field.jsonName];
  if (rest.length === 0) copy[field.jsonName] = put(value, field);
  else if (field.fieldKind === 'list') {
    const [first, ...others] = Array.isArray(value) ? value : [];
    copy[field.jsonName] = [placed(objectOf(first), rest, put), ...others];
  } else copy[field.jsonName] = placed(objectOf(value), rest, put);
  return copy;
}
