import { equals } from '@bufbuild/protobuf';
import { Circle, GitBranch, GitCommitHorizontal } from 'lucide-react';
import { memo } from 'react';
import { Link } from 'react-router';
import { Badge } from '#src/components/badge.tsx';
import { ShortTime } from '#src/components/relative-time.tsx';
import { UserText } from '#src/components/user-text.tsx';
import { paths } from '#src/config/paths.ts';
import { type Artifact, ArtifactSchema } from '#src/gen/forest/v1/releases_pb.ts';
import { visibleText } from '#src/lib/visible-text.ts';
import { noFilters, searchFor } from './artifact-filters.ts';
import { summarise } from './artifact-summary.ts';

export interface ArtifactRowProps {
  readonly organisation: string;
  readonly project: string;
  readonly artifact: Artifact;
  /** The organisation's environments in their order; the same array while it is unchanged. */
  readonly environmentOrder: readonly string[];
}

/** One build: status, title, version, branch, commit, source and environments. Rows outside of the window are not laid out. */
export const ArtifactRow = memo(function ArtifactRow(props: ArtifactRowProps) {
  const { organisation, project, artifact, environmentOrder } = props;
  const { statuses, environments } = summarise(artifact, artifact.latestIntent, environmentOrder);
  const { slug, ref, source, context, createdAt } = artifact;
  const author = source?.user || source?.email;
  const title = context?.title.trim().split('\n', 1)[0] || slug;
  return (
    <li className="grid gap-x-4 gap-y-1 [contain-intrinsic-size:auto_5.5rem] [content-visibility:auto] sm:[contain-intrinsic-size:auto_2.25rem] border-b border-line px-4 py-2.5 last:border-b-0 sm:grid-cols-[11rem_minmax(0,1fr)_auto]">
      <div className="flex flex-wrap content-start items-start gap-1.5 sm:flex-col">
        {statuses.map(({ label, tone }) => (
          <Badge key={label} tone={tone}>
            {label}
          </Badge>
        ))}
      </div>
      <div className="min-w-0">
        <Link
          to={paths.release(organisation, project, slug)}
          title={visibleText(title)}
          className="line-clamp-2 font-medium wrap-anywhere no-underline hover:underline"
        >
          <UserText>{title}</UserText>
        </Link>
        <p className="flex flex-wrap items-center gap-x-3 text-xs text-muted">
          {ref?.version && (
            <span className="font-medium text-ink wrap-anywhere">
              <UserText>{ref.version}</UserText>
            </span>
          )}
          {ref?.branch && (
            <span className="inline-flex min-w-0 items-center gap-1 wrap-anywhere">
              <GitBranch aria-label="Branch" size={12} className="shrink-0" />
              <UserText>{ref.branch}</UserText>
            </span>
          )}
          {ref?.commitSha && (
            <span className="inline-flex items-center gap-1 font-mono" title={visibleText(ref.commitSha)}>
              <GitCommitHorizontal aria-label="Commit" size={12} className="shrink-0" />
              <UserText>{ref.commitSha.slice(0, 7)}</UserText>
            </span>
          )}
          {author && (
            <Link
              to={{ search: `${searchFor({ ...noFilters, author })}` }}
              title={visibleText(`Releases by ${author}`)}
              className="text-muted wrap-anywhere no-underline hover:underline"
            >
              <UserText>{author}</UserText>
            </Link>
          )}
          <ShortTime value={createdAt} />
        </p>
      </div>
      {environments.length > 0 && (
        <ul
          aria-label={`Environments of ${slug}`}
          className="flex flex-wrap content-start gap-1.5 sm:max-w-80 sm:justify-end"
        >
          {environments.map(({ environment, label, tone }) => (
            <li key={environment} title={visibleText(`${environment}: ${label}`)} className="max-w-full">
              {/* A hollow disc for what was live, a filled one for what is. */}
              <Badge tone={tone} icon={/was live$/i.test(label) && tone === 'neutral' ? Circle : undefined}>
                <UserText>{environment}</UserText>
                <span className="sr-only">: {label}</span>
              </Badge>
            </li>
          ))}
        </ul>
      )}
    </li>
  );
}, isUnchanged);

/** Every poll brings new objects for all rows; only changed ones are rendered. */
function isUnchanged(before: ArtifactRowProps, after: ArtifactRowProps) {
  return (
    before.environmentOrder === after.environmentOrder &&
    equals(ArtifactSchema, before.artifact, after.artifact)
  );
}
