import { type ComponentProps, type ReactNode, useId } from 'react';
import { classNames } from './class-names.ts';
import { shownNode } from './user-text.tsx';

export interface CheckboxProps extends Omit<ComponentProps<'input'>, 'type'> {
  readonly label: ReactNode;
  readonly hint?: ReactNode;
  /** For screen readers only, where the row shows the same text. */
  readonly hiddenLabel?: boolean;
}

/** The browser's checkbox with a label; the target is at least 24 by 24 pixels, and 44 by 44 for fingers. */
export function Checkbox({ label, hint, hiddenLabel, className, ...rest }: CheckboxProps) {
  const id = useId();
  const hintId = hint ? `${id}-hint` : undefined;
  return (
    <div className={classNames('min-w-0', className)}>
      <label
        htmlFor={id}
        className="flex min-h-6 min-w-6 cursor-pointer items-start gap-2 pointer-coarse:min-h-11 pointer-coarse:min-w-11 pointer-coarse:items-center"
      >
        <input
          {...rest}
          id={id}
          type="checkbox"
          aria-describedby={hintId}
          className="mx-1 mt-1 size-4 shrink-0 cursor-pointer accent-focus"
        />
        <span className={hiddenLabel ? 'sr-only' : 'min-w-0 pt-0.5 wrap-anywhere'}>{shownNode(label)}</span>
      </label>
      {hintId && (
        <div id={hintId} className="pl-8 text-xs text-muted">
          {shownNode(hint)}
        </div>
      )}
    </div>
  );
}
