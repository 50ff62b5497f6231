import { Link } from 'react-router';
import { ExternalLink } from '#src/components/external-link.tsx';
import { UserText } from '#src/components/user-text.tsx';
import { paths } from '#src/config/paths.ts';
import type { BuildRef, Commit } from '#src/gen/forest/v1/releases_pb.ts';
import { buildName } from '#src/lib/build-words.ts';
import { webAddress } from '#src/lib/web-address.ts';

export interface CommitsProps {
  readonly commits: readonly Commit[];
  /** How many there are, also those that are not listed. */
  readonly total: number;
}

/** The commits of a comparison, newest first, linked where their addresses are known. */
export function Commits({ commits, total }: CommitsProps) {
  return (
    <>
      <ol aria-label="Commits" className="mt-1">
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

export interface BuildsProps {
  readonly organisation: string;
  readonly project: string;
  readonly builds: readonly BuildRef[];
}

/** The builds between two, newest first. */
export function Builds({ organisation, project, builds }: BuildsProps) {
  return (
    <ul aria-label="Builds in between" className="mt-1">
      {builds.map((build) => (
        <li key={build.artifactId} className="py-0.5 wrap-anywhere">
          <Link to={paths.release(organisation, project, build.slug)}>
            <UserText>{buildName(build)}</UserText>
          </Link>{' '}
          <span className="text-muted">
            <UserText>{build.title.split('\n', 1)[0]}</UserText>
          </span>
        </li>
      ))}
    </ul>
  );
}
