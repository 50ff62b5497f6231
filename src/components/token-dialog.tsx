import type { ReactNode } from 'react';
import { lifetimesUpTo } from '#src/lib/token-life.ts';
import { Field, Input, Select } from './field.tsx';
import { FormDialog } from './form-dialog.tsx';
import { ShownOnce } from './shown-once.tsx';

export interface NewToken {
  readonly name: string;
  /** Its lifetime in seconds; 0 for no expiry. */
  readonly seconds: number;
}

export interface CreatedToken {
  /** Such as `Token “ci”`. */
  readonly label: string;
  readonly secret: string;
}

export interface TokenDialogProps {
  readonly title: string;
  readonly description: string;
  readonly nameHint: string;
  readonly token: NewToken;
  /** The longest lifetime allowed; 0 for no limit. */
  readonly maxDays: number;
  /** By the request's fields; `form` holds those of the whole form. */
  readonly problems: Readonly<Record<string, string | undefined>>;
  readonly attempt: object | null;
  readonly pending: boolean;
  readonly onChange: (field: 'name' | 'seconds', token: NewToken) => void;
  readonly onSubmit: () => void;
  readonly onClose: () => void;
  /** The secret, once the token is created. */
  readonly created: CreatedToken | undefined;
  /** The choice of scopes. */
  readonly children: ReactNode;
}

/** The form for a new access token: name, scopes and lifetime; then its secret. */
export function TokenDialog(props: TokenDialogProps) {
  const { title, description, nameHint, token, maxDays, problems, attempt, created, onChange, children } =
    props;
  return (
    <FormDialog
      title={created ? 'Token created' : title}
      description={description}
      problems={attempt}
      error={problems.form}
      submit="Create token"
      pending={props.pending}
      onSubmit={props.onSubmit}
      onClose={props.onClose}
      result={created && <ShownOnce {...created} onDone={props.onClose} />}
    >
      <Field label="Name" hint={nameHint} error={problems.name} required>
        {(control) => (
          <Input
            {...control}
            autoComplete="off"
            value={token.name}
            onChange={(event) => onChange('name', { ...token, name: event.target.value })}
          />
        )}
      </Field>
      {children}
      <Field label="Expires after" error={problems.expires_in_seconds}>
        {(control) => (
          <Select
            {...control}
            value={token.seconds}
            onChange={(event) => onChange('seconds', { ...token, seconds: Number(event.target.value) })}
          >
            {lifetimesUpTo(maxDays).map((one) => (
              <option key={one.seconds} value={one.seconds}>
                {one.label}
              </option>
            ))}
          </Select>
        )}
      </Field>
    </FormDialog>
  );
}
