import { memo } from 'react';
import { Badge } from '#src/components/badge.tsx';
import { RelativeTime } from '#src/components/relative-time.tsx';
import { Section } from '#src/components/section.tsx';
import { Empty } from '#src/components/states.tsx';
import { UserText } from '#src/components/user-text.tsx';
import { type ReleaseIntentState, ReleaseIntentStatus } from '#src/gen/forest/v1/releases_pb.ts';
import { intentStatus } from '#src/lib/release-status.ts';
import { CancelRelease } from './cancel-release.tsx';
import type { IntentChoice } from './intents.ts';
import { PipelineStages } from './pipeline-stages.tsx';

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
        const { label, tone } = intentStatus(intent);
        return (
          <div key={intent.releaseIntentId} className="border-t border-line">
            <div className="flex flex-wrap items-center gap-x-3 gap-y-1 bg-sunken px-4 py-1.5">
              <Badge tone={tone}>{label}</Badge>
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
      {intent.actorUsername && <UserText>{`requested by ${intent.actorUsername} `}</UserText>}
      <RelativeTime value={intent.createdAt} />
    </span>
  );
}
