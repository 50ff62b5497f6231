import { Check, CircleDashed, Clock, type LucideIcon, ShieldOff, X } from 'lucide-react';
import type { ReactNode } from 'react';
import { classNames } from './class-names.ts';
import { shownNode } from './user-text.tsx';

/** `bypassed` is for what an admin let through without the approvals. */
export type BadgeTone = 'passed' | 'waiting' | 'failed' | 'bypassed' | 'neutral';

const looks: Record<BadgeTone, string> = {
  passed: 'bg-passed-soft text-passed',
  waiting: 'bg-waiting-soft text-waiting',
  failed: 'bg-failed-soft text-failed',
  bypassed: 'bg-failed-soft text-failed',
  neutral: 'bg-sunken text-muted',
};

const icons: Record<BadgeTone, LucideIcon> = {
  passed: Check,
  waiting: Clock,
  failed: X,
  bypassed: ShieldOff,
  neutral: CircleDashed,
};

export interface BadgeProps {
  readonly tone?: BadgeTone;
  /** Replaces the tone's icon; `null` for none. */
  readonly icon?: LucideIcon | null;
  readonly children: ReactNode;
  readonly className?: string;
}

/** A short label with an icon; the colour never carries meaning that the label lacks. */
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
      {/* One inline box, so that "1/2 approvals" is one text and keeps its spaces. */}
      <span className="min-w-0 wrap-anywhere">{shownNode(children)}</span>
    </span>
  );
}
