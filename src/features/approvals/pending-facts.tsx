import { Badge } from '#src/components/badge.tsx';
import { RelativeTime } from '#src/components/relative-time.tsx';
import { UserText } from '#src/components/user-text.tsx';
import type { DestinationChange, PendingApproval } from '#src/gen/forest/v1/policies_pb.ts';
import { directionLabel } from './direction-label.ts';
import { cautionsOf } from './pending-view.ts';

/** Version, branch and commit of the build. */
export function BuildFacts({
  approval: { version, branch, commitSha },
}: {
  readonly approval: PendingApproval;
}) {
  return (
    <>
      {version && (
        <>
          <UserText>{version}</UserText> ·{' '}
        </>
      )}
      {branch && (
        <>
          <UserText>{branch}</UserText> ·{' '}
        </>
      )}
      <span className="font-mono">
        <UserText>{commitSha.slice(0, 7)}</UserText>
      </span>
    </>
  );
}

/** What was done to destinations since votes were given. */
export function DestinationChanges({ changes }: { readonly changes: readonly DestinationChange[] }) {
  return changes.map(({ at, sentence }) => (
    <p key={`${sentence} ${at}`} className="mt-1 text-sm text-waiting wrap-anywhere">
      <UserText>{sentence}</UserText> · <RelativeTime value={at} />
    </p>
  ));
}

/** What somebody should know before they vote: the direction, what it replaces, and the rejections of colleagues. */
export function Cautions({ approval }: { readonly approval: PendingApproval }) {
  const direction = directionLabel(approval.direction);
  return (
    <>
      {direction && (
        <p className="mt-1 flex flex-wrap items-center gap-x-2 text-sm text-failed">
          <Badge tone="failed" icon={null}>
            {direction}
          </Badge>{' '}
          {approval.replacesSlug && (
            <span className="wrap-anywhere">
              replaces <UserText>{approval.replacesSlug}</UserText>, which is newer
            </span>
          )}
        </p>
      )}
      <DestinationChanges changes={approval.destinationChanges} />
      {cautionsOf(approval).map((caution) => (
        <p key={caution} className="mt-1 text-sm text-waiting wrap-anywhere">
          {caution}
        </p>
      ))}
      {approval.rejections.map(({ userId, username, comment }) => (
        <p key={userId} className="mt-1 text-sm text-failed wrap-anywhere">
          Rejected by <UserText>{username}</UserText>
          {comment && (
            <>
              : <UserText>{comment}</UserText>
            </>
          )}
        </p>
      ))}
    </>
  );
}
