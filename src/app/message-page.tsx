import type { ReactNode } from 'react';
import { Link } from 'react-router';
import { buttonLook } from '#src/components/button.tsx';
import { Page } from '#src/components/page.tsx';
import { paths } from '#src/config/paths.ts';

export interface MessagePageProps {
  readonly title: string;
  readonly children: ReactNode;
  /** Ways on besides the start page. */
  readonly actions?: ReactNode;
}

/** A page that has only something to say, and ways on. */
export function MessagePage({ title, children, actions }: MessagePageProps) {
  return (
    <Page title={title}>
      <div className="max-w-prose wrap-anywhere">{children}</div>
      <div className="flex flex-wrap gap-2">
        {actions}
        <Link to={paths.home()} className={buttonLook()}>
          Go to the start page
        </Link>
      </div>
    </Page>
  );
}
