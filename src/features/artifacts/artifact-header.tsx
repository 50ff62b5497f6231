import { GitBranch, GitCommitHorizontal } from 'lucide-react';
import { lazy, type ReactNode } from 'react';
import { commitUrl } from '#domain/repository/commit-url.ts';
import { CopyButton } from '#src/components/copy-button.tsx';
import { ExternalLink } from '#src/components/external-link.tsx';
import { Fold } from '#src/components/fold.tsx';
import { ShortTime } from '#src/components/relative-time.tsx';
import { UserText } from '#src/components/user-text.tsx';
import type { Artifact, Ref } from '#src/gen/forest/v1/releases_pb.ts';
import { visibleText } from '#src/lib/visible-text.ts';
import { webAddress } from '#src/lib/web-address.ts';
import { sourceLabel } from './artifact-texts.ts';

const ArtifactDetails = lazy(() =>
  import('./artifact-details.tsx').catch(() => ({
    default: () => <p>Couldn't load the details. Check your connection and load the page again.</p>,
  })),
);

/** One line below the heading: version, branch, commit, author, time and links of a build. All else is behind **Details**. */
export function ArtifactHeader({ artifact }: { readonly artifact: Artifact }) {
  const { ref, source, context } = artifact;
  const author = source && sourceLabel(source);
  const links = [
    { label: 'CI run', to: webAddress(source?.runUrl) },
    { label: 'Pull request', to: webAddress(context?.pr) },
    { label: 'Web', to: webAddress(context?.web) },
  ];
  return (
    <div className="flex min-w-0 flex-col gap-1 text-xs text-muted">
      <ul aria-label="Build" className="flex min-w-0 flex-wrap items-center gap-x-3 gap-y-1">
        {ref?.version && (
          <Fact label="Version">
            <span className="font-medium text-ink">
              <UserText>{ref.version}</UserText>
            </span>
          </Fact>
        )}
        {ref?.branch && (
          <Fact label="Branch">
            <GitBranch aria-hidden size={12} className="mr-1 inline" />
            <UserText>{ref.branch}</UserText>
          </Fact>
        )}
        {ref?.commitSha && (
          <Fact label="Commit">
            <Commit commit={ref} />
          </Fact>
        )}
        {author && (
          <li className="min-w-0 wrap-anywhere">
            by <UserText>{author}</UserText>
            {source.namedBy && (
              <>
                , named by <UserText>{source.namedBy}</UserText>
              </>
            )}
          </li>
        )}
        <Fact label="Annotated">
          <ShortTime value={artifact.createdAt} />
        </Fact>
        {links.map(
          ({ label, to }) =>
            to && (
              <li key={label}>
                <ExternalLink to={to}>{label}</ExternalLink>
              </li>
            ),
        )}
      </ul>
      <Fold label="Details">{() => <ArtifactDetails artifact={artifact} />}</Fold>
    </div>
  );
}

function Fact({ label, children }: { readonly label: string; readonly children: ReactNode }) {
  return (
    <li className="min-w-0 wrap-anywhere">
      <span className="sr-only">{label} </span>
      <span>{children}</span>
    </li>
  );
}

/** The short commit, linked where the host of the repository is known, with a button that copies the whole. */
function Commit({ commit: { commitSha, repoUrl } }: { readonly commit: Ref }) {
  const address = webAddress((repoUrl && commitUrl(repoUrl, commitSha)) || undefined);
  const short = (
    <code className="font-mono" title={visibleText(commitSha)}>
      <UserText>{commitSha.slice(0, 7)}</UserText>
    </code>
  );
  return (
    <span className="inline-flex items-center">
      <GitCommitHorizontal aria-hidden size={12} className="mr-1 inline" />
      {address ? <ExternalLink to={address}>{short}</ExternalLink> : short}
      <CopyButton text={commitSha} label="Copy commit" />
    </span>
  );
}
