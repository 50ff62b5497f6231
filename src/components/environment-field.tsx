import { Field, Select } from './field.tsx';

export interface EnvironmentFieldProps {
  readonly label?: string;
  readonly value: string;
  readonly error: string | undefined;
  readonly environments: readonly string[];
  readonly onChange: (environment: string) => void;
}

/** Selects one of the organisation's environments. */
export function EnvironmentField(props: EnvironmentFieldProps) {
  const { label = 'Environment', value, error, environments, onChange } = props;
  // A deleted one stays visible, and validation reports it.
  const deleted = value !== '' && !environments.includes(value);
  return (
    <Field label={label} error={error} required>
      {(control) => (
        <Select {...control} value={value} onChange={(event) => onChange(event.target.value)}>
          <option value="">Choose…</option>
          {deleted && <option value={value}>{value} (deleted)</option>}
          {environments.map((environment) => (
            <option key={environment} value={environment}>
              {environment}
            </option>
          ))}
        </Select>
      )}
    </Field>
  );
}
