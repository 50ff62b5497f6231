import type { ComponentProps } from 'react';
import { visibleText } from '#src/lib/visible-text.ts';
import { classNames } from './class-names.ts';

export interface IconButtonProps extends Omit<ComponentProps<'button'>, 'type' | 'aria-label' | 'title'> {
  /** Its name, also shown as its title. */
  readonly label: string;
}

/** A button with an icon only. The target is 28 by 28 pixels, and 44 by 44 for fingers. */
export function IconButton({ label, className, ...rest }: IconButtonProps) {
  return (
    <button
      {...rest}
      type="button"
      aria-label={visibleText(label)}
      title={visibleText(label)}
      className={classNames(
        'inline-flex min-h-7 min-w-7 cursor-pointer items-center justify-center rounded text-muted hover:text-ink pointer-coarse:min-h-11 pointer-coarse:min-w-11',
        className,
      )}
    />
  );
}
