import { Button } from './button.tsx';
import { CopyButton } from './copy-button.tsx';
import { Field, Input } from './field.tsx';

export interface ShownOnceProps {
  /** What the secret is, such as `Token “ci”`. */
  readonly label: string;
  readonly secret: string;
  readonly onDone: () => void;
}

/** A secret that has just been made: the one time that it is shown. */
export function ShownOnce({ label, secret, onDone }: ShownOnceProps) {
  return (
    <div className="flex flex-col gap-3 border-b border-line bg-passed-soft px-4 py-3">
      <Field label={label} hint="Copy it now and keep it where secrets are kept: it is not shown again.">
        {(control) => (
          <span className="flex items-center gap-1">
            <Input
              {...control}
              readOnly
              value={secret}
              onFocus={(event) => event.target.select()}
              className="font-mono"
            />
            <CopyButton text={secret} label="Copy token" />
          </span>
        )}
      </Field>
      <div>
        <Button onClick={onDone}>I have copied it</Button>
      </div>
    </div>
  );
}
