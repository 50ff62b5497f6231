import { Field, Select } from '#src/components/field.tsx';

export type Role = 'member' | 'admin';

export function RoleSelect({
  value,
  onChange,
}: {
  readonly value: Role;
  readonly onChange: (role: Role) => void;
}) {
  return (
    <Field
      label="Role"
      hint="Members can see everything, release and vote. Admins can also change policies, pipelines, environments and members, and bypass approvals."
    >
      {(control) => (
        <Select
          {...control}
          value={value}
          onChange={(event) => onChange(event.target.value === 'admin' ? 'admin' : 'member')}
        >
          <option value="member">member</option>
          <option value="admin">admin</option>
        </Select>
      )}
    </Field>
  );
}
