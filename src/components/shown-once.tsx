import { Button } from './button.tsx';
import { CopyButton } from './copy-button.tsx';
import { Field, Input } from './field.tsx';

export interface ShownOnceProps {
  /** Such as `Token “ci”`. */
  readonly label: string;
  readonly secret: string;
  readonly onDone: () => void;
}

/** A new secret, the only time it is shown. */
export function ShownOnce({ label, secret, onDone }: ShownOnceProps) {
  return (
    <div className="flex flex-col gap-3 border-b border-line bg-passed-soft px-4 py-3">
      <Field label={label} hint="Copy it to a secret store now. It won't be shown again.">
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
        <Button onClick={onDone}>Done</Button>
      </div>
    </div>
  );
}
