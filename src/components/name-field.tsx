import { Field, Input } from './field.tsx';

export interface NameFieldProps {
  readonly hint: string;
  readonly error: string | undefined;
  readonly value: string;
  readonly onChange: (name: string) => void;
}

/** Asks for the name of something that is being made: nothing completes, corrects or capitalises it. */
export function NameField({ hint, error, value, onChange }: NameFieldProps) {
  return (
    <Field label="Name" hint={hint} error={error} required>
      {(control) => (
        <Input
          {...control}
          autoComplete="off"
          autoCapitalize="none"
          spellCheck={false}
          value={value}
          onChange={(event) => onChange(event.target.value)}
        />
      )}
    </Field>
  );
}
