import { ExternalLink as Icon } from 'lucide-react';
import type { ReactNode } from 'react';

/** A link to another site: opens in a new tab, without a referrer. */
export function ExternalLink({ to, children }: { readonly to: string; readonly children: ReactNode }) {
  return (
    <a
      href={to}
      target="_blank"
      rel="noreferrer"
      className="inline-flex max-w-full min-w-0 items-center gap-1 wrap-anywhere"
    >
      {children}
      <Icon aria-hidden size={12} className="shrink-0" />
      <span className="sr-only"> (opens in a new tab)</span>
    </a>
  );
}
