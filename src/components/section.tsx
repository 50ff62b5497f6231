import { type ReactNode, useId } from 'react';
import { classNames } from './class-names.ts';

export interface SectionProps {
  readonly title: string;
  /** Beside the title, such as a count; not part of the section's name. */
  readonly aside?: ReactNode;
  readonly actions?: ReactNode;
  readonly children: ReactNode;
  /** The anchor for links to this section. */
  readonly id?: string;
  /** The title is for screen readers only, where the page's heading says the same. */
  readonly hiddenTitle?: boolean;
  /** A rule at the left edge. */
  readonly tone?: 'waiting' | 'failed';
  /** No padding, for rows that reach the edges. */
  readonly flush?: boolean;
}

/** A titled card, and a landmark (role `region`) named by its title. */
export function Section(props: SectionProps) {
  const { title, aside, actions, children, id, hiddenTitle, tone, flush } = props;
  const titleId = useId();
  const isBare = hiddenTitle && !aside && !actions;
  return (
    <section
      id={id}
      aria-labelledby={titleId}
      className={classNames(
        'min-w-0 rounded-lg border border-line bg-surface',
        tone === 'waiting' && 'border-l-3 border-l-waiting',
        tone === 'failed' && 'border-l-3 border-l-failed',
      )}
    >
      <header
        className={
          isBare ? 'sr-only' : 'flex flex-wrap items-center gap-x-3 gap-y-1 border-b border-line px-4 py-2.5'
        }
      >
        <h2 id={titleId} className={hiddenTitle ? 'sr-only' : 'text-sm font-semibold'}>
          {title}
        </h2>
        {aside}
        {actions && <div className="ml-auto flex flex-wrap items-center gap-2">{actions}</div>}
      </header>
      <div className={classNames('min-w-0', !flush && 'p-4')}>{children}</div>
    </section>
  );
}
