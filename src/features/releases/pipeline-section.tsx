import { lazy, memo, Suspense } from 'react';
import { Fold } from '#src/components/fold.tsx';
import { Section } from '#src/components/section.tsx';
import { Empty, Loading } from '#src/components/states.tsx';
import { ReleaseIntentStatus } from '#src/gen/forest/v1/releases_pb.ts';
import { preloaded } from '#src/lib/after-load.ts';
import { CancelRelease } from './cancel-release.tsx';
import type { IntentChoice } from './intents.ts';
import { PipelineStages } from './pipeline-stages.tsx';
import { RequestedBy } from './requested-by.tsx';

// Without their code they are missing until the page is loaded again.
const EarlierReleases = lazy(
  preloaded(() => import('./earlier-releases.tsx').catch(() => ({ default: () => null }))),
);

export interface PipelineSectionProps extends Pick<IntentChoice, 'current' | 'earlier'> {
  /** Why each stage of the shown release waits, by stage id. */
  readonly reasons?: Readonly<Record<string, string>> | undefined;
}

/** The stages of the release, its cancellation, and the artifact's earlier releases. */
export const PipelineSection = memo(function PipelineSection({
  current,
  earlier,
  reasons,
}: PipelineSectionProps) {
  return (
    <Section
      title="Pipeline"
      flush
      aside={current && <RequestedBy intent={current} />}
      actions={
        current?.canCancel &&
        current.status === ReleaseIntentStatus.ACTIVE && (
          // By key, so that an open question closes when another release is shown.
          <CancelRelease
            key={current.releaseIntentId}
            releaseIntentId={current.releaseIntentId}
            slug={current.slug}
          />
        )
      }
    >
      {current ? (
        <PipelineStages key={current.releaseIntentId} intent={current} reasons={reasons} />
      ) : (
        <Empty title="Not released yet">The stages will appear here after the release is requested.</Empty>
      )}
      {earlier.length > 0 && (
        <div className="border-t border-line px-4 py-2 text-sm">
          <Fold label={`Earlier releases (${earlier.length})`}>
            {() => (
              <Suspense fallback={<Loading />}>
                <EarlierReleases intents={earlier} />
              </Suspense>
            )}
          </Fold>
        </div>
      )}
    </Section>
  );
});
