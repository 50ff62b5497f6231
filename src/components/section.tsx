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
  /** No padding, for rows that reach the edges. */
  readonly flush?: boolean;
}

/** A titled card, and a landmark (role `region`) named by its title. */
export function Section({ title, aside, actions, children, id, flush }: SectionProps) {
  const titleId = useId();
  return (
    <section id={id} aria-labelledby={titleId} className="min-w-0 rounded-lg border border-line bg-surface">
      <header className="flex flex-wrap items-center gap-x-3 gap-y-1 border-b border-line px-4 py-2.5">
        <h2 id={titleId} className="text-sm font-semibold">
          {title}
        </h2>
        {aside}
        {actions && <div className="ml-auto flex flex-wrap items-center gap-2">{actions}</div>}
      </header>
      <div className={classNames('min-w-0', !flush && 'p-4')}>{children}</div>
    </section>
  );
}
