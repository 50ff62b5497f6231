import {
  Ban,
  Check,
  Circle,
  CircleDashed,
  Clock,
  Hourglass,
  LoaderCircle,
  type LucideIcon,
  ShieldOff,
  X,
} from 'lucide-react';
import type { ReactNode } from 'react';
import { classNames } from './class-names.ts';
import { shownNode } from './user-text.tsx';

/**
 * What a badge means: `live` is said of one build per environment; `running` only of deploying and planning; `waiting`
 * waits for a person, `time` for time alone; `blocked` is cleared by neither; `bypassed` is for what an admin let through
 * without the approvals.
 */
export type BadgeTone =
  | 'passed'
  | 'live'
  | 'running'
  | 'waiting'
  | 'time'
  | 'failed'
  | 'blocked'
  | 'bypassed'
  | 'neutral';

const grounds: Record<BadgeTone, string> = {
  passed: 'bg-passed-soft',
  live: 'bg-passed-soft',
  running: 'bg-running-soft',
  waiting: 'bg-waiting-soft',
  time: 'bg-sunken',
  failed: 'bg-failed-soft',
  blocked: 'bg-failed-soft',
  bypassed: 'bg-failed-soft',
  neutral: 'bg-sunken',
};

/** The text colour of each tone. */
export const toneText: Record<BadgeTone, string> = {
  passed: 'text-passed',
  live: 'text-passed',
  running: 'text-running',
  waiting: 'text-waiting',
  time: 'text-muted',
  failed: 'text-failed',
  blocked: 'text-failed',
  bypassed: 'text-failed',
  neutral: 'text-muted',
};

const icons: Record<BadgeTone, LucideIcon> = {
  passed: Check,
  live: Circle,
  running: LoaderCircle,
  waiting: Clock,
  time: Hourglass,
  failed: X,
  blocked: Ban,
  bypassed: ShieldOff,
  neutral: CircleDashed,
};

const iconLooks: Partial<Record<BadgeTone, string>> = {
  live: 'scale-60 fill-current',
  running: 'motion-safe:animate-spin',
};

export interface BadgeProps {
  readonly tone?: BadgeTone;
  /** Replaces the tone's icon; `null` for none. */
  readonly icon?: LucideIcon | null;
  readonly children: ReactNode;
  readonly className?: string;
}

/** The icon of a tone, always beside words. */
export function ToneIcon({ tone, size = 13 }: { readonly tone: BadgeTone; readonly size?: number }) {
  const Icon = icons[tone];
  return <Icon aria-hidden size={size} className={classNames('shrink-0', iconLooks[tone])} />;
}

/** A short label with an icon; the colour never carries meaning that the label lacks. */
export function Badge({ tone = 'neutral', icon: Icon, children, className }: BadgeProps) {
  return (
    <span
      className={classNames(
        'inline-flex max-w-full items-center gap-1 rounded px-1.5 py-0.5 text-xs font-medium',
        grounds[tone],
        toneText[tone],
        className,
      )}
    >
      {Icon ? (
        <Icon aria-hidden size={13} className="shrink-0" />
      ) : (
        Icon === undefined && <ToneIcon tone={tone} />
      )}
      {/* One inline box, so that "1/2 approvals" is one text and keeps its spaces. */}
      <span className="min-w-0 wrap-anywhere">{shownNode(children)}</span>
    </span>
  );
}
