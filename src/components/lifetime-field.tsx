import { lifetimesUpTo } from '#src/lib/token-life.ts';
import { Field, Select } from './field.tsx';

export interface LifetimeFieldProps {
  /** The longest that is allowed; null: any. */
  readonly maxDays: Parameters<typeof lifetimesUpTo>[0];
  readonly error: string | undefined;
  readonly seconds: number;
  readonly onChange: (seconds: number) => void;
}

/** Asks after how long an access token ends. */
export function LifetimeField({ maxDays, error, seconds, onChange }: LifetimeFieldProps) {
  return (
    <Field label="Ends after" error={error}>
      {(control) => (
        <Select {...control} value={seconds} onChange={(event) => onChange(Number(event.target.value))}>
          {lifetimesUpTo(maxDays).map((one) => (
            <option key={one.seconds} value={one.seconds}>
              {one.words}
            </option>
          ))}
        </Select>
      )}
    </Field>
  );
}
