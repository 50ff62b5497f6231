import { ExternalLink } from '#src/components/external-link.tsx';
import { UserText } from '#src/components/user-text.tsx';
import type { Commit } from '#src/gen/forest/v1/releases_pb.ts';
import { webAddress } from '#src/lib/web-address.ts';

/** The commits of a comparison, newest first, linked where their addresses are known. */
export function Commits({
  commits,
  total,
}: {
  readonly commits: readonly Commit[];
  /** How many there are, also those that are not listed. */
  readonly total: number;
}) {
  return (
    <>
      <ol aria-label="Commits" className="max-h-80 overflow-y-auto">
        {commits.map(({ sha, title, authorName, authorEmail, url, pullRequestUrl }) => {
          const [address, pullRequest] = [webAddress(url), webAddress(pullRequestUrl)];
          const hash = <UserText>{sha.slice(0, 7)}</UserText>;
          return (
            <li key={sha} className="flex flex-wrap gap-x-3 py-0.5 wrap-anywhere">
              <span className="min-w-0">
                <UserText>{title}</UserText>
              </span>
              <span className="flex min-w-0 flex-wrap gap-x-3 text-muted">
                <UserText>{authorName || authorEmail}</UserText>
                <code>{address ? <ExternalLink to={address}>{hash}</ExternalLink> : hash}</code>
                {pullRequest && <ExternalLink to={pullRequest}>Pull request</ExternalLink>}
              </span>
            </li>
          );
        })}
      </ol>
      {total > commits.length && (
        <p className="text-muted">{`The newest ${commits.length} of ${total.toLocaleString('en-GB')} commits.`}</p>
      )}
    </>
  );
}
