import { Field, type FieldControl, Input, Select } from '#src/components/field.tsx';
import type { MetadataFieldSchema } from '#src/gen/forest/v1/destinations_pb.ts';

export interface SettingFieldProps {
  readonly field: MetadataFieldSchema;
  readonly value: string;
  /** An existing secret is kept when its field is empty. */
  readonly existing: boolean;
  readonly error: string | undefined;
  readonly onChange: (value: string) => void;
}

/** One setting of a destination, with the control for its field type; a text input for an unknown type. */
export function SettingField({ field, value, existing, error, onChange }: SettingFieldProps) {
  const { name, label, description, required, fieldType, defaultValue } = field;
  const keeps = existing && fieldType === 'secret';
  const fallback = defaultValue && fieldType !== 'boolean' ? `Default: ${defaultValue}.` : '';
  const hint = [description, fallback, keeps ? 'Leave empty to keep the current value.' : '']
    .filter(Boolean)
    .join(' ');
  return (
    <Field label={label || name} hint={hint} error={error} required={required && !keeps}>
      {(control) => <SettingControl control={control} field={field} value={value} onChange={onChange} />}
    </Field>
  );
}

interface SettingControlProps {
  readonly control: FieldControl;
  readonly field: MetadataFieldSchema;
  readonly value: string;
  readonly onChange: (value: string) => void;
}

function SettingControl({
  control,
  field: { fieldType, defaultValue },
  value,
  onChange,
}: SettingControlProps) {
  const common = {
    ...control,
    value,
    autoComplete: 'off',
    onChange: (event: { readonly target: { readonly value: string } }) => onChange(event.target.value),
  };
  switch (fieldType) {
    case 'boolean':
      return (
        <Select {...common} value={value || defaultValue}>
          {defaultValue === '' && <option value="">Choose…</option>}
          <option value="false">No</option>
          <option value="true">Yes</option>
        </Select>
      );
    case 'secret':
      // `new-password` keeps the browser from filling in the user's own password.
      return <Input {...common} type="password" autoComplete="new-password" spellCheck={false} />;
    case 'number':
      return <Input {...common} inputMode="decimal" placeholder={defaultValue} />;
    case 'url':
      return <Input {...common} type="url" placeholder="https://" autoCapitalize="none" spellCheck={false} />;
    default:
      return <Input {...common} dir="auto" placeholder={defaultValue} />;
  }
}
