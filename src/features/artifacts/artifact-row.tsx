import { GitBranch, GitCommitHorizontal } from 'lucide-react';
import { memo } from 'react';
import { Link } from 'react-router';
import { Badge } from '#src/components/badge.tsx';
import { RelativeTime } from '#src/components/relative-time.tsx';
import { paths } from '#src/config/paths.ts';
import type { Artifact } from '#src/gen/forest/v1/releases_pb.ts';
import { summarise } from './artifact-summary.ts';

export interface ArtifactRowProps {
  readonly organisation: string;
  readonly project: string;
  readonly artifact: Artifact;
}

/**
 * One build: where it stands, what it is, who made it, and how far it has come. Rows far from the window are not laid out,
 * so that hundreds of them scroll as well as ten; their height is taken to be that of most rows.
 */
export const ArtifactRow = memo(function ArtifactRow({ organisation, project, artifact }: ArtifactRowProps) {
  const { status, environments } = summarise(artifact, artifact.latestIntent);
  const { slug, ref, source, context, createdAt } = artifact;
  const title = context?.title.trim().split('\n', 1)[0] || slug;
  return (
    <li className="grid gap-x-4 gap-y-1 [contain-intrinsic-size:auto_5.5rem] [content-visibility:auto] sm:[contain-intrinsic-size:auto_2.25rem] border-b border-line px-4 py-2.5 last:border-b-0 sm:grid-cols-[11rem_minmax(0,1fr)_auto]">
      <div>
        <Badge tone={status.tone}>{status.words}</Badge>
      </div>
      <div className="min-w-0">
        <Link
          to={paths.release(organisation, project, slug)}
          className="line-clamp-2 font-medium wrap-anywhere no-underline hover:underline"
        >
          {title}
        </Link>
        <p className="flex flex-wrap items-center gap-x-3 text-xs text-muted">
          <span className="wrap-anywhere">{slug}</span>
          {ref?.version && <span className="wrap-anywhere">{ref.version}</span>}
          {ref?.branch && (
            <span className="inline-flex min-w-0 items-center gap-1 wrap-anywhere">
              <GitBranch aria-label="Branch" size={12} className="shrink-0" />
              {ref.branch}
            </span>
          )}
          {ref?.commitSha && (
            <span className="inline-flex items-center gap-1 font-mono" title={ref.commitSha}>
              <GitCommitHorizontal aria-label="Commit" size={12} className="shrink-0" />
              {ref.commitSha.slice(0, 7)}
            </span>
          )}
          {(source?.user || source?.email) && (
            <span className="wrap-anywhere">{source.user || source.email}</span>
          )}
          <RelativeTime value={createdAt} />
        </p>
      </div>
      {environments.length > 0 && (
        <ul
          aria-label={`Environments of ${slug}`}
          className="flex flex-wrap content-start gap-1.5 sm:max-w-80 sm:justify-end"
        >
          {environments.map(({ environment, words, tone }) => (
            <li key={environment} title={`${environment}: ${words}`} className="max-w-full">
              <Badge tone={tone}>
                {environment}
                <span className="sr-only">: {words}</span>
              </Badge>
            </li>
          ))}
        </ul>
      )}
    </li>
  );
});
