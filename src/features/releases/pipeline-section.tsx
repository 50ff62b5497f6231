import { memo } from 'react';
import { Badge } from '#src/components/badge.tsx';
import { RelativeTime } from '#src/components/relative-time.tsx';
import { Section } from '#src/components/section.tsx';
import { Empty } from '#src/components/states.tsx';
import { type ReleaseIntentState, ReleaseIntentStatus } from '#src/gen/forest/v1/releases_pb.ts';
import { CancelRelease } from './cancel-release.tsx';
import { type IntentChoice, intentWords } from './intents.ts';
import { PipelineStages } from './pipeline-stages.tsx';

export interface PipelineSectionProps extends IntentChoice {
  /** By stage of the release shown: why it waits as of now. */
  readonly reasons?: Readonly<Record<string, string>> | undefined;
}

/** The release's stages, how to cancel it, and the artifact's earlier releases behind a fold. */
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
          // Its question is about this release alone, and goes when another one takes its place.
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
        <Empty title="Not released yet.">Its stages appear here once a release is asked for.</Empty>
      )}
      {earlier.length > 0 && <EarlierReleases intents={earlier} />}
    </Section>
  );
});

function EarlierReleases({ intents }: { readonly intents: readonly ReleaseIntentState[] }) {
  return (
    <details className="border-t border-line">
      <summary className="cursor-pointer px-4 py-2 text-sm text-muted hover:text-ink">
        {`Earlier releases (${intents.length})`}
      </summary>
      {intents.map((intent) => {
        const { words, tone } = intentWords(intent);
        return (
          <div key={intent.releaseIntentId} className="border-t border-line">
            <div className="flex flex-wrap items-center gap-x-3 gap-y-1 bg-sunken px-4 py-1.5">
              <Badge tone={tone}>{words}</Badge>
              <RequestedBy intent={intent} />
            </div>
            <PipelineStages intent={intent} />
          </div>
        );
      })}
    </details>
  );
}

function RequestedBy({ intent }: { readonly intent: ReleaseIntentState }) {
  return (
    <span className="min-w-0 text-xs text-muted wrap-anywhere">
      {intent.prepareOnly && 'plans only · '}
      {intent.actorUsername && `requested by ${intent.actorUsername} `}
      <RelativeTime value={intent.createdAt} />
    </span>
  );
}
