import type { ReactNode } from 'react';
import type { ReleaseIntentState } from '#src/gen/forest/v1/releases_pb.ts';
import { endedSentence } from './ended-sentence.ts';
import { Sentence } from './sentence.tsx';
import type { ReleaseFacts } from './status-sentence.ts';

export interface EndedLineProps {
  readonly facts: ReleaseFacts;
  readonly intent: ReleaseIntentState;
}

/** The sentence of a release that has ended. Loaded when there is one. */
export default function EndedLine({ facts, intent }: EndedLineProps): ReactNode {
  return <Sentence {...endedSentence(facts, intent)} />;
}
