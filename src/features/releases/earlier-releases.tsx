import type { ReactNode } from 'react';
import { Badge } from '#src/components/badge.tsx';
import type { ReleaseIntentState } from '#src/gen/forest/v1/releases_pb.ts';
import { intentStatus } from '#src/lib/intent-status.ts';
import { PipelineStages } from './pipeline-stages.tsx';
import { RequestedBy } from './requested-by.tsx';

/** The ended releases of a build with their stages. Loaded when the fold is opened. */
export default function EarlierReleases({
  intents,
}: {
  readonly intents: readonly ReleaseIntentState[];
}): ReactNode {
  return intents.map((intent) => {
    const { label, tone } = intentStatus(intent);
    return (
      <div key={intent.releaseIntentId} className="-mx-4 mt-2 border-t border-line">
        <div className="flex flex-wrap items-center gap-x-3 gap-y-1 bg-sunken px-4 py-1.5">
          <Badge tone={tone}>{label}</Badge>
          <RequestedBy intent={intent} />
        </div>
        <PipelineStages intent={intent} />
      </div>
    );
  });
}
