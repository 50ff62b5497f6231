import { useEffect, useRef } from 'react';
import { Button } from './button.tsx';
import { useCopy } from './copy-button.tsx';
import { Field, Input } from './field.tsx';

export interface ShownOnceProps {
  /** Such as `Token “ci”`. */
  readonly label: string;
  readonly secret: string;
  readonly onDone: () => void;
}

/** A new secret, the only time it is shown. The button that copies it has the focus. */
export function ShownOnce({ label, secret, onDone }: ShownOnceProps) {
  const { copied, copy } = useCopy(secret);
  const button = useRef<HTMLButtonElement>(null);
  useEffect(() => button.current?.focus(), []);
  return (
    <>
      <Field label={label} hint="Copy it to a secret store now. It won't be shown again.">
        {(control) => (
          <Input
            {...control}
            readOnly
            value={secret}
            onFocus={(event) => event.target.select()}
            className="font-mono"
          />
        )}
      </Field>
      <div className="mt-4 flex flex-wrap justify-end gap-2">
        <Button onClick={onDone}>Done</Button>
        <Button ref={button} variant="primary" onClick={copy}>
          {copied ? 'Copied' : 'Copy token'}
        </Button>
      </div>
    </>
  );
}
