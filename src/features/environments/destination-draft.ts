import type {
  Destination,
  DestinationType,
  MetadataFieldSchema,
} from '#src/gen/forest/v1/destinations_pb.ts';
import type { DescribedError } from '#src/lib/errors.ts';

/** The form's values as typed. Switching the type keeps the settings of other types. */
export interface DestinationDraft {
  readonly name: string;
  /** As from `typeName`; empty until one is chosen. */
  readonly type: string;
  /** By the setting's name. */
  readonly settings: Readonly<Record<string, string>>;
  /** In seconds; empty for the defaults. */
  readonly gracePeriod: string;
}

/** A type's full name: `forage/webhook@1`. */
export function typeName({ organisation, name, version }: DestinationType): string {
  return `${organisation}/${name}@${version}`;
}

/** A destination as form values. The server never sends secrets, so their fields are empty. */
export function draftOfDestination(destination: Destination): DestinationDraft {
  const { name, type, metadata, gracePeriodSeconds } = destination;
  const gracePeriod = gracePeriodSeconds?.toString() ?? '';
  return { name, type: type ? typeName(type) : '', settings: { ...metadata }, gracePeriod };
}

/** The grace period of a request; undefined keeps the value or the defaults. */
export const wireGracePeriod = ({ gracePeriod }: DestinationDraft): number | undefined =>
  gracePeriod.trim() === '' ? undefined : Number(gracePeriod);

/**
 * The non-empty settings of a request. Of those left out, secrets keep their value and others get the type's default.
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
  readonly name?: string | undefined;
  readonly type?: string | undefined;
  readonly gracePeriod?: string | undefined;
  readonly form?: string | undefined;
  readonly settings: Readonly<Record<string, string | undefined>>;
}

/** Required values that are missing, and an invalid grace period; null if there are none. An existing secret may stay empty. */
export function missingProblems(
  type: DestinationType | undefined,
  draft: DestinationDraft,
  existing: boolean,
): DestinationProblems | null {
  const settings = Object.fromEntries(
    (type?.fields ?? []).flatMap((field) => {
      const needed = field.required && !field.defaultValue && !(existing && field.fieldType === 'secret');
      return needed && !draft.settings[field.name] ? [[field.name, withLabel(field, 'is required')]] : [];
    }),
  );
  const gracePeriod = wireGracePeriod(draft) ?? 0;
  const isGracePeriod = Number.isInteger(gracePeriod) && gracePeriod >= 0 && gracePeriod <= 3600;
  const problems: DestinationProblems = {
    ...(draft.name ? {} : { name: 'Enter a name' }),
    ...(type ? {} : { type: 'Choose a type' }),
    ...(isGracePeriod ? {} : { gracePeriod: 'Must be a whole number from 0 to 3600' }),
    settings,
  };
  return Object.keys(problems).length > 1 || Object.keys(settings).length > 0 ? problems : null;
}

/** A refusal's messages by field; messages without a field of this form go to `form`. */
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
    if (field) settings[field.name] = withLabel(field, message);
    else if (path === 'name') whole.name = message;
    else if (path === 'type' || path.startsWith('type.')) whole.type = message;
    else elsewhere.push(`${path}: ${message}`);
  }
  const placed = Object.keys(settings).length > 0 || whole.name || whole.type;
  const form = elsewhere.length > 0 ? elsewhere.join('; ') : placed ? '' : refusal.message;
  return { ...whole, ...(form ? { form } : {}), settings };
}

/** "is required" becomes "URL is required". */
function withLabel({ label, name }: MetadataFieldSchema, message: string): string {
  return /^\p{Ll}/u.test(message) ? `${label || name} ${message}` : message;
}
