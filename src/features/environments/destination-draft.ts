import type {
  Destination,
  DestinationType,
  MetadataFieldSchema,
} from '#src/gen/forest/v1/destinations_pb.ts';
import type { DescribedError } from '#src/lib/errors.ts';

/** What stands in a destination's form, as typed. Settings of the types not chosen keep what was typed in them. */
export interface DestinationDraft {
  readonly name: string;
  /** The type as `typeName` writes it; empty until one is chosen. */
  readonly type: string;
  /** By the setting's name. */
  readonly settings: Readonly<Record<string, string>>;
}

/** A type as people write it: `forage/webhook@1`. */
export function typeName({ organisation, name, version }: DestinationType): string {
  return `${organisation}/${name}@${version}`;
}

/** A destination as its form shows it. Its secrets are never sent, so their fields are empty. */
export function draftOfDestination({ name, type, metadata }: Destination): DestinationDraft {
  return { name, type: type ? typeName(type) : '', settings: { ...metadata } };
}

/**
 * The settings of a request: those of the type that hold something. What is left out falls back to the type's default; a
 * secret that is left out stays as it is.
 */
export function wireSettings(type: DestinationType, draft: DestinationDraft): Record<string, string> {
  return Object.fromEntries(
    type.fields.flatMap((field) => {
      const value = draft.settings[field.name] ?? '';
      return value === '' ? [] : [[field.name, value]];
    }),
  );
}

export interface DestinationProblems {
  readonly name?: string;
  readonly type?: string;
  readonly form?: string;
  readonly settings: Readonly<Record<string, string>>;
}

/** What has to be filled in still, told before the server is asked; null when nothing. A secret that stands may stay. */
export function missing(
  type: DestinationType | undefined,
  draft: DestinationDraft,
  existing: boolean,
): DestinationProblems | null {
  const settings = Object.fromEntries(
    (type?.fields ?? []).flatMap((field) => {
      const needed = field.required && !field.defaultValue && !(existing && field.fieldType === 'secret');
      return needed && !draft.settings[field.name] ? [[field.name, sentence(field, 'is required')]] : [];
    }),
  );
  const problems: DestinationProblems = {
    ...(draft.name ? {} : { name: 'Give the destination a name.' }),
    ...(type ? {} : { type: 'Choose what kind of destination it is.' }),
    settings,
  };
  return problems.name || problems.type || Object.keys(settings).length > 0 ? problems : null;
}

/** Where the words of a refused save belong: at their fields, and what has none at the form. */
export function refusalProblems(
  type: DestinationType | undefined,
  refusal: DescribedError,
): DestinationProblems {
  const settings: Record<string, string> = {};
  const whole: { name?: string; type?: string } = {};
  const elsewhere: string[] = [...refusal.otherProblems];
  for (const [path, message] of Object.entries(refusal.fieldErrors)) {
    const [, key] = /^metadata\["(.*)"\]$/.exec(path) ?? [];
    const field = type?.fields.find(({ name }) => name === key);
    if (field) settings[field.name] = sentence(field, message);
    else if (path === 'name') whole.name = message;
    else if (path === 'type' || path.startsWith('type.')) whole.type = message;
    else elsewhere.push(`${path}: ${message}`);
  }
  const placed = Object.keys(settings).length > 0 || whole.name || whole.type;
  const form = elsewhere.length > 0 ? elsewhere.join('; ') : placed ? '' : refusal.message;
  return { ...whole, ...(form ? { form } : {}), settings };
}

/** "is required" alone says less than "URL is required." */
function sentence({ label, name }: MetadataFieldSchema, message: string): string {
  return /^\p{Ll}/u.test(message) ? `${label || name} ${message}.` : message;
}
