import { RelativeTime } from '#src/components/relative-time.tsx';
import { UserText } from '#src/components/user-text.tsx';
import type { ReleaseIntentState } from '#src/gen/forest/v1/releases_pb.ts';

/** Who requested a release and when. */
export function RequestedBy({ intent }: { readonly intent: ReleaseIntentState }) {
  return (
    <span className="min-w-0 text-xs text-muted wrap-anywhere">
      {intent.prepareOnly && 'plans only · '}
      {intent.actorUsername && <UserText>{`requested by ${intent.actorUsername} `}</UserText>}
      <RelativeTime value={intent.createdAt} />
    </span>
  );
}
