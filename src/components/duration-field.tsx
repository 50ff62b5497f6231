import { parseDuration } from '#domain/time/duration.ts';
import { durationInWords } from '#src/lib/duration-words.ts';
import { Field, Input } from './field.tsx';

export interface DurationFieldProps {
  readonly label: string;
  /** As typed: `90`, `30m`, `1h 30m`. */
  readonly value: string;
  readonly error: string | undefined;
  readonly onChange: (duration: string) => void;
}

/** A duration, and how it is understood. */
export function DurationField({ label, value, error, onChange }: DurationFieldProps) {
  const duration = parseDuration(value);
  const hint = duration.ok
    ? durationInWords(duration.seconds)
    : 'In seconds, or with units: 90, 30m, 1h 30m, 2d.';
  return (
    <Field label={label} error={error} hint={hint} required>
      {(control) => (
        <Input
          {...control}
          placeholder="1h 30m"
          autoComplete="off"
          value={value}
          onChange={(event) => onChange(event.target.value)}
        />
      )}
    </Field>
  );
}
