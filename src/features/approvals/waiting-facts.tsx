import { X } from 'lucide-react';
import { UserText } from '#src/components/user-text.tsx';
import type { PendingApproval } from '#src/gen/forest/v1/policies_pb.ts';
import { replacesNewer } from '#src/lib/build-words.ts';
import { DestinationChanges } from './pending-facts.tsx';
import { cautionsOf } from './waiting-view.ts';

/** Version, branch, commit and author of the build. On a phone, version and author. */
export function BuildFacts({ approval }: { readonly approval: PendingApproval }) {
  const { version, branch, commitSha, authorUsername } = approval;
  const commit = (
    <span className="font-mono">
      <UserText>{commitSha.slice(0, 7)}</UserText>
    </span>
  );
  return (
    <>
      {version ? <UserText>{version}</UserText> : commit}
      <span className="max-sm:hidden">
        {branch && (
          <>
            {' · '}
            <UserText>{branch}</UserText>
          </>
        )}
        {version && <> · {commit}</>}
      </span>
      {' · '}
      <UserText>{authorUsername}</UserText>
    </>
  );
}

/** What somebody should know before they vote: what it replaces, the rejections of colleagues, and what is uncertain. */
export function Cautions({ approval }: { readonly approval: PendingApproval }) {
  const { direction, live, destinationChanges, rejections } = approval;
  const words = replacesNewer(direction, live[0]);
  return (
    <>
      {words && (
        <p className="font-medium text-failed wrap-anywhere">
          <UserText>{words}</UserText>
        </p>
      )}
      {rejections.map(({ userId, username, comment }) => (
        <p key={userId} className="flex items-start gap-1 text-failed wrap-anywhere">
          <X aria-hidden size={14} className="mt-0.5 shrink-0" />
          <span className="min-w-0">
            Rejected by <UserText>{username}</UserText>
            {comment && (
              <>
                : “<UserText>{comment}</UserText>”
              </>
            )}
          </span>
        </p>
      ))}
      <DestinationChanges changes={destinationChanges} />
      {cautionsOf(approval).map((caution) => (
        <p key={caution} className="text-waiting wrap-anywhere">
          {caution}
        </p>
      ))}
    </>
  );
}
