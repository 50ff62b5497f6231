import type { FieldProblem } from '#domain/problem.ts';
import { type DestinationType, labelOf, type MetadataField } from './destination-type.ts';

export type Metadata = Readonly<Record<string, string>>;

function kindProblem(field: MetadataField, value: string): string | null {
  switch (field.fieldType) {
    case 'text':
    case 'secret':
      return null;
    case 'boolean':
      return value === 'true' || value === 'false' ? null : 'must be true or false';
    case 'number':
      return /^-?\d+(\.\d+)?$/.test(value) ? null : 'must be a number';
    case 'url':
      return URL.canParse(value) && ['http:', 'https:'].includes(new URL(value).protocol)
        ? null
        : 'must be a URL that starts with http:// or https://';
  }
}

const fieldsOf = (type: DestinationType, wanted: MetadataField['fieldType']): string[] =>
  type.fields.filter(({ fieldType }) => fieldType === wanted).map(({ name }) => name);

/** The names of a type's secret fields. */
export const secretFields = (type: DestinationType): string[] => fieldsOf(type, 'secret');

/** The names of a type's fields that say where it delivers to. */
export const addressFields = (type: DestinationType): string[] => fieldsOf(type, 'url');

/** Metadata without empty values, which are equivalent to absent ones. */
export function withoutEmpty(metadata: Metadata): Metadata {
  return Object.fromEntries(Object.entries(metadata).filter(([, value]) => value !== ''));
}

/**
 * Problems of a destination's metadata: unknown keys, missing required fields, malformed values, and those that the type
 * itself finds. Fields are named `metadata["key"]`; empty when the metadata is valid.
 */
export function checkMetadata(type: DestinationType, metadata: Metadata): FieldProblem[] {
  const path = (key: string) => `metadata["${key}"]`;
  const known = new Map(type.fields.map((field) => [field.name, field]));
  const problems: FieldProblem[] = [];
  for (const [key, value] of Object.entries(metadata)) {
    const field = known.get(key);
    if (field === undefined) {
      const message = `unknown field of ${labelOf(type)}; must be one of ${[...known.keys()].join(', ')}`;
      problems.push({ field: path(key), message });
      continue;
    }
    const message = kindProblem(field, value);
    if (message !== null) problems.push({ field: path(key), message });
  }
  for (const field of type.fields) {
    if (field.required && (metadata[field.name] ?? '') === '') {
      problems.push({ field: path(field.name), message: 'is required' });
    }
  }
  if (problems.length > 0) return problems;
  return type.check(metadata).map(({ field, message }) => ({ field: path(field), message }));
}

/** The metadata without its secrets; nothing for an unknown type, of which no field is known to be public. */
export function shownMetadata(type: DestinationType | undefined, metadata: Metadata): Metadata {
  const shown = (type?.fields ?? [])
    .filter(({ fieldType }) => fieldType !== 'secret')
    .map(({ name }) => name);
  return Object.fromEntries(Object.entries(metadata).filter(([name]) => shown.includes(name)));
}

/** The metadata after an update: `given` replaces everything except secrets that it leaves out. */
export function keepSecrets(type: DestinationType, before: Metadata, given: Metadata): Metadata {
  const kept = Object.entries(before).filter(([name]) => secretFields(type).includes(name));
  return { ...Object.fromEntries(kept), ...given };
}
