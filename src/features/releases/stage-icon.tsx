import { CircleCheck, CircleDashed, CircleX, Clock, type LucideIcon } from 'lucide-react';
import { Spinner } from '#src/components/spinner.tsx';
import type { StageWords, Tone } from './stage-words.ts';

const icons: Record<Tone, { readonly Icon: LucideIcon; readonly look: string }> = {
  passed: { Icon: CircleCheck, look: 'text-passed' },
  waiting: { Icon: Clock, look: 'text-waiting' },
  failed: { Icon: CircleX, look: 'text-failed' },
  neutral: { Icon: CircleDashed, look: 'text-muted' },
};

/** The icon before a stage's words; it repeats them and says nothing more. */
export function StageIcon({ view }: { readonly view: StageWords }) {
  const { Icon, look } = icons[view.tone];
  return (
    <span className={`mt-0.5 flex shrink-0 ${look}`}>
      {view.moving ? <Spinner size={16} /> : <Icon aria-hidden size={16} />}
    </span>
  );
}
