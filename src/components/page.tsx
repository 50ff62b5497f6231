import { type ReactNode, useEffect } from 'react';
import { setWindowTitle } from '#src/lib/window-title.ts';
import { type Crumb, Crumbs } from './crumbs.tsx';
import { UserText } from './user-text.tsx';

export interface PageProps {
  /** The page's `h1`, and the first part of the window title. */
  readonly title: string;
  /** A window title that differs from the heading, as in "Policies · checkout"; empty for the product's name alone. */
  readonly documentTitle?: string;
  readonly crumbs?: readonly Crumb[];
  /** Beside the heading: a status. */
  readonly aside?: ReactNode;
  readonly actions?: ReactNode;
  readonly children: ReactNode;
}

/** Breadcrumbs, heading, actions and window title around a page's content. */
export function Page({ title, documentTitle, crumbs, aside, actions, children }: PageProps) {
  const windowTitle = documentTitle ?? title;
  useEffect(() => setWindowTitle({ page: windowTitle }), [windowTitle]);
  return (
    <div className="flex min-w-0 flex-col gap-4">
      <header className="flex flex-col gap-1">
        {crumbs && <Crumbs items={crumbs} />}
        <div className="flex flex-wrap items-center gap-x-3 gap-y-2 lg:flex-nowrap">
          <h1 className="min-w-0 text-xl font-semibold wrap-anywhere">
            <UserText>{title}</UserText>
          </h1>
          {aside}
          {actions && <div className="ml-auto flex shrink-0 flex-wrap items-center gap-2">{actions}</div>}
        </div>
      </header>
      {children}
    </div>
  );
}
