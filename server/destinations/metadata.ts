import type { FieldProblem } from '#domain/problem.ts';
import type { DestinationType, MetadataField } from './destination-type.ts';

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
        : 'must be an address that starts with http:// or https://';
  }
}

/** Metadata as it is stored: without empty values, which mean the same as absent ones. */
export function withoutEmpty(metadata: Metadata): Metadata {
  return Object.fromEntries(Object.entries(metadata).filter(([, value]) => value !== ''));
}

/**
 * What is wrong with a destination's metadata: keys that its type does not know, required ones that are missing, values
 * of the wrong kind, and what the type itself has to say. Fields are named `metadata["key"]`; empty when all is well.
 */
export function checkMetadata(type: DestinationType, metadata: Metadata): FieldProblem[] {
  const path = (key: string) => `metadata["${key}"]`;
  const known = new Map(type.fields.map((field) => [field.name, field]));
  const problems: FieldProblem[] = [];
  for (const [key, value] of Object.entries(metadata)) {
    const field = known.get(key);
    if (field === undefined) {
      const names = [...known.keys()].join(', ');
      problems.push({
        field: path(key),
        message: `is not known to ${type.organisation}/${type.name}, which takes ${names}`,
      });
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

/** The metadata that may be shown: everything but secrets, whose keys are left out. */
export function shownMetadata(type: DestinationType | undefined, metadata: Metadata): Metadata {
  // Of a type this server does not know nothing says which values are secret.
  if (type === undefined) return {};
  const open = new Set(
    type.fields.filter((field) => field.fieldType !== 'secret').map((field) => field.name),
  );
  return Object.fromEntries(Object.entries(metadata).filter(([key]) => open.has(key)));
}

/** The metadata after an update: what is given replaces everything, but secrets that are not given again stay. */
export function keepSecrets(type: DestinationType, before: Metadata, given: Metadata): Metadata {
  const kept = type.fields
    .filter((field) => field.fieldType === 'secret')
    .flatMap(({ name }) => (before[name] === undefined ? [] : [[name, before[name]] as const]));
  return { ...Object.fromEntries(kept), ...given };
}
