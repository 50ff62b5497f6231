import { ExternalLink } from 'lucide-react';
import type { ReactNode } from 'react';
import { CopyButton } from '#src/components/copy-button.tsx';
import { RelativeTime } from '#src/components/relative-time.tsx';
import { UserText } from '#src/components/user-text.tsx';
import type { Artifact, Source } from '#src/gen/forest/v1/releases_pb.ts';
import { visibleText } from '#src/lib/visible-text.ts';
import { sourceLabel, titleLines, webAddress } from './artifact-texts.ts';

/** Version, branch, commit, source and links of a build. The page's heading shows its title. */
export function ArtifactHeader({ artifact }: { readonly artifact: Artifact }) {
  const { full } = titleLines(artifact.context?.title ?? '');
  const { ref, source, context } = artifact;
  const commit = ref?.commitSha;
  return (
    <div className="flex min-w-0 flex-col gap-2 text-sm">
      {full && (
        <details>
          <summary className="w-fit cursor-pointer text-muted hover:text-ink">Full title</summary>
          <p className="mt-1 whitespace-pre-wrap wrap-anywhere">
            <UserText>{full}</UserText>
          </p>
        </details>
      )}
      <dl className="flex min-w-0 flex-wrap gap-x-5 gap-y-1">
        {ref?.version && (
          <Fact label="Version">
            <UserText>{ref.version}</UserText>
          </Fact>
        )}
        <Fact label="Slug">{artifact.slug}</Fact>
        {ref?.branch && (
          <Fact label="Branch">
            <UserText>{ref.branch}</UserText>
          </Fact>
        )}
        {commit && (
          <Fact label="Commit">
            <span className="inline-flex items-center">
              <code className="font-mono text-xs" title={visibleText(commit)}>
                <UserText>{commit.slice(0, 7)}</UserText>
              </code>
              <CopyButton text={commit} label="Copy commit" />
            </span>
          </Fact>
        )}
        {source && (source.user || source.email || source.runUrl || source.sourceType) && (
          <Fact label="Source">
            <SourceFact source={source} />
          </Fact>
        )}
        <Fact label="Annotated">
          <RelativeTime value={artifact.createdAt} />
        </Fact>
        {artifact.filesRemovedAt && (
          <Fact label="Files">
            removed because the build is old, <RelativeTime value={artifact.filesRemovedAt} />
          </Fact>
        )}
      </dl>
      {context?.description && (
        <p className="max-w-prose whitespace-pre-wrap wrap-anywhere">
          <UserText>{context.description}</UserText>
        </p>
      )}
      <Links pullRequest={context?.pr} web={context?.web} />
    </div>
  );
}

function Fact({ label, children }: { readonly label: string; readonly children: ReactNode }) {
  return (
    <div className="flex min-w-0 items-baseline gap-1.5">
      <dt className="shrink-0 text-muted">{label}</dt>
      <dd className="min-w-0 wrap-anywhere">{children}</dd>
    </div>
  );
}

function SourceFact({ source }: { readonly source: Source }) {
  const { sourceType, runUrl } = source;
  const run = webAddress(runUrl);
  return (
    <>
      <UserText>{[sourceLabel(source), sourceType].filter(Boolean).join(', ')}</UserText>{' '}
      {run ? <ExternalAnchor to={run}>CI run</ExternalAnchor> : <UserText>{runUrl}</UserText>}
    </>
  );
}

function Links({ pullRequest, web }: { pullRequest: string | undefined; web: string | undefined }) {
  const links = [
    { label: 'Pull request', to: webAddress(pullRequest) },
    { label: 'Web', to: webAddress(web) },
  ].flatMap(({ label, to }) => (to ? [{ label, to }] : []));
  if (links.length === 0) return null;
  return (
    <ul aria-label="Links" className="flex flex-wrap gap-x-4">
      {links.map(({ label, to }) => (
        <li key={label}>
          <ExternalAnchor to={to}>{label}</ExternalAnchor>
        </li>
      ))}
    </ul>
  );
}

/** Opens in a new tab, without a referrer. */
function ExternalAnchor({ to, children }: { readonly to: string; readonly children: ReactNode }) {
  return (
    <a href={to} target="_blank" rel="noreferrer" className="inline-flex items-center gap-1 underline">
      {children}
      <ExternalLink aria-hidden size={12} />
      <span className="sr-only"> (opens in a new tab)</span>
    </a>
  );
}
