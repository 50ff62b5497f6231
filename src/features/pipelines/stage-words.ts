import type { StageKind } from '#domain/release/stage.ts';
import { formatDuration } from '#domain/time/duration.ts';

/** What a stage does, in a few words; null for a kind that this dashboard does not know. */
export function stageWords(kind: StageKind | null): string {
  switch (kind?.type) {
    case 'deploy':
      return `deploy to ${kind.environment || '…'}`;
    case 'wait':
      return `wait ${Number.isNaN(kind.durationSeconds) ? '…' : formatDuration(kind.durationSeconds)}`;
    case 'plan':
      return `plan ${kind.environment || '…'}${kind.autoApprove ? ', approved by itself' : ''}`;
    default:
      return 'a kind of stage that this dashboard does not know';
  }
}

/** The kinds of stages, in the order of the editor: what they are called, and what they do. */
export const stageKinds: readonly {
  readonly type: StageKind['type'];
  readonly label: string;
  readonly about: string;
}[] = [
  {
    type: 'deploy',
    label: 'Deploy',
    about: 'Deploys to every destination of an environment, once its policies pass.',
  },
  { type: 'wait', label: 'Wait', about: 'Lets a time go by after the stages it depends on.' },
  {
    type: 'plan',
    label: 'Plan',
    about: 'Shows what a deployment would change; somebody other than the author approves it.',
  },
];
