import { Check, CircleDashed, Clock, type LucideIcon, X } from 'lucide-react';
import type { ReactNode } from 'react';
import { classNames } from './class-names.ts';

export type BadgeTone = 'passed' | 'waiting' | 'failed' | 'neutral';

const looks: Record<BadgeTone, string> = {
  passed: 'bg-passed-soft text-passed',
  waiting: 'bg-waiting-soft text-waiting',
  failed: 'bg-failed-soft text-failed',
  neutral: 'bg-sunken text-muted',
};

const icons: Record<BadgeTone, LucideIcon> = {
  passed: Check,
  waiting: Clock,
  failed: X,
  neutral: CircleDashed,
};

export interface BadgeProps {
  readonly tone?: BadgeTone;
  /** Another icon than the tone's own; `null` for none, where words alone are clearer. */
  readonly icon?: LucideIcon | null;
  readonly children: ReactNode;
  readonly className?: string;
}

/** A few words with an icon; the colour repeats what they say and never says more. */
export function Badge({ tone = 'neutral', icon, children, className }: BadgeProps) {
  const Icon = icon === undefined ? icons[tone] : icon;
  return (
    <span
      className={classNames(
        'inline-flex max-w-full items-center gap-1 rounded px-1.5 py-0.5 text-xs font-medium',
        looks[tone],
        className,
      )}
    >
      {Icon && <Icon aria-hidden size={13} className="shrink-0" />}
      {/* One inline box, so that "1/2 approvals" is one text and its words keep their spaces. */}
      <span className="min-w-0 wrap-anywhere">{children}</span>
    </span>
  );
}
