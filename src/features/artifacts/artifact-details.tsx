import { useQuery } from '@connectrpc/connect-query';
import type { ReactNode } from 'react';
import { Button } from '#src/components/button.tsx';
import { Fold } from '#src/components/fold.tsx';
import { RelativeTime } from '#src/components/relative-time.tsx';
import { Failed, Loading } from '#src/components/states.tsx';
import { UserText } from '#src/components/user-text.tsx';
import { type ArtifactFile, ArtifactService } from '#src/gen/forest/v1/artifacts_pb.ts';
import type { Artifact } from '#src/gen/forest/v1/releases_pb.ts';
import { describeError } from '#src/lib/errors.ts';
import { saveFile } from '#src/lib/save-file.ts';
import { visibleText } from '#src/lib/visible-text.ts';
import { webAddress } from '#src/lib/web-address.ts';
import { titleLines } from './artifact-texts.ts';

/** What the header has no room for: the full title and message, the description, where the build came from, and its files. */
export default function ArtifactDetails({ artifact }: { readonly artifact: Artifact }) {
  const { slug, context, ref, source, metadata, filesRemovedAt } = artifact;
  const { full } = titleLines(context?.title ?? '');
  const message = ref?.commitMessage?.trim();
  const facts = [
    ['Slug', slug],
    ['Source', source?.sourceType],
    ['Email', source?.email],
    // A text that is no address is no link.
    ['CI run', webAddress(source?.runUrl) ? '' : source?.runUrl],
    ['Repository', ref?.repoUrl],
    ['Commit', ref?.commitSha],
    ...Object.entries(metadata),
  ] as const;
  return (
    <div className="mt-2 flex min-w-0 flex-col gap-3 rounded-lg border border-line bg-surface p-4 text-sm text-ink">
      {full && <Text title="Full title">{full}</Text>}
      {message && message !== context?.title.trim() && <Text title="Commit message">{message}</Text>}
      {context?.description && <Text title="Description">{context.description}</Text>}
      <dl className="grid grid-cols-[auto_minmax(0,1fr)] gap-x-4 gap-y-1">
        {facts.map(
          ([label, value]) =>
            value && (
              <div key={label} className="contents">
                <dt className="text-muted wrap-anywhere">
                  <UserText>{label}</UserText>
                </dt>
                <dd className="whitespace-pre-wrap wrap-anywhere">
                  <UserText>{value}</UserText>
                </dd>
              </div>
            ),
        )}
      </dl>
      {filesRemovedAt ? (
        <p className="text-muted">
          The files were removed because the build is old, <RelativeTime value={filesRemovedAt} />.
        </p>
      ) : (
        <Fold label="Files">{() => <Files artifactId={artifact.artifactId} />}</Fold>
      )}
    </div>
  );
}

function Text({ title, children }: { readonly title: string; readonly children: string }): ReactNode {
  return (
    <div>
      <h2 className="text-xs font-medium text-muted">{title}</h2>
      <p className="max-w-prose whitespace-pre-wrap wrap-anywhere">
        <UserText>{children}</UserText>
      </p>
    </div>
  );
}

/** The files of a build, loaded when they are opened: an upload can have 8 MiB. */
function Files({ artifactId }: { readonly artifactId: string }) {
  const files = useQuery(ArtifactService.method.getArtifactFiles, { artifactId });
  if (files.data?.files.length === 0) return <p className="text-muted">This build has no files.</p>;
  if (files.data) {
    return (
      <ul aria-label="Files">
        {files.data.files.map((file) => (
          <li key={[file.env, file.destination, file.category, file.fileName].join('\n')} className="py-1">
            <File file={file} />
          </li>
        ))}
      </ul>
    );
  }
  if (!files.isError) return <Loading />;
  return (
    <Failed
      title="Couldn't load the files"
      message={describeError(files.error).message}
      onRetry={() => files.refetch()}
      retrying={files.isFetching}
    />
  );
}

function File({ file: { fileName, category, env, destination, content } }: { readonly file: ArtifactFile }) {
  const about = [category, [env, destination].filter(Boolean).join('/')].filter(Boolean).join(' · ');
  const download = () =>
    saveFile(
      new Blob([content], { type: 'text/plain;charset=utf-8' }),
      fileName.split('/').at(-1) ?? fileName,
    );
  return (
    <Fold label={about ? `${fileName} (${about})` : fileName}>
      {() => (
        <div className="flex flex-col items-start gap-2 py-1">
          <section
            aria-label={visibleText(fileName)}
            // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be scrollable by keyboard.
            tabIndex={0}
            className="max-h-80 w-full overflow-auto rounded-md bg-sunken p-3"
          >
            <pre className="font-mono text-xs">
              <UserText>{content}</UserText>
            </pre>
          </section>
          <Button onClick={download}>Download</Button>
        </div>
      )}
    </Fold>
  );
}
