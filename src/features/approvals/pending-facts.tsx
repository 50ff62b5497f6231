import { RelativeTime } from '#src/components/relative-time.tsx';
import { UserText } from '#src/components/user-text.tsx';
import type { DestinationChange } from '#src/gen/forest/v1/policies_pb.ts';

/** What was done to destinations since votes were given. */
export function DestinationChanges({ changes }: { readonly changes: readonly DestinationChange[] }) {
  return changes.map(({ at, sentence }) => (
    <p key={`${sentence} ${at}`} className="mt-1 text-sm text-waiting wrap-anywhere">
      <UserText>{sentence}</UserText> · <RelativeTime value={at} />
    </p>
  ));
}
