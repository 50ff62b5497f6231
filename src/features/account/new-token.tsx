import { Button } from '#src/components/button.tsx';
import { CopyButton } from '#src/components/copy-button.tsx';
import { Field, Input } from '#src/components/field.tsx';
import type { MadeToken } from './create-token-dialog.tsx';

/** A token that has just been made: the one time that its secret is shown. */
export function NewToken({ token, onDone }: { readonly token: MadeToken; readonly onDone: () => void }) {
  return (
    <div className="flex flex-col gap-3 border-b border-line bg-passed-soft px-4 py-3">
      <Field
        label={`Token “${token.name}”`}
        hint="Copy it now and keep it where secrets are kept: it is not shown again."
      >
        {(control) => (
          <span className="flex items-center gap-1">
            <Input
              {...control}
              readOnly
              value={token.secret}
              onFocus={(event) => event.target.select()}
              className="font-mono"
            />
            <CopyButton text={token.secret} label="Copy token" />
          </span>
        )}
      </Field>
      <div>
        <Button onClick={onDone}>I have copied it</Button>
      </div>
    </div>
  );
}
