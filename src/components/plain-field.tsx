import type { ComponentProps } from 'react';
import { Field, type FieldProps, Input } from './field.tsx';

export interface PlainFieldProps extends Omit<FieldProps, 'children'> {
  readonly value: string;
  readonly onChange: (value: string) => void;
  /** Further attributes of the input. */
  readonly input?: Omit<ComponentProps<'input'>, 'value' | 'onChange'>;
}

/** A one-line field for names and the like, without autocompletion, spell check or automatic capitals. */
export function PlainField({ value, onChange, input, ...field }: PlainFieldProps) {
  return (
    <Field {...field}>
      {(control) => (
        <Input
          autoComplete="off"
          autoCapitalize="none"
          spellCheck={false}
          {...input}
          {...control}
          value={value}
          onChange={(event) => onChange(event.target.value)}
        />
      )}
    </Field>
  );
}
