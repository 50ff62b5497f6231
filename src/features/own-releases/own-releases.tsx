import { useInfiniteQuery } from '@connectrpc/connect-query';
import { X } from 'lucide-react';
import { useMemo } from 'react';
import { Link } from 'react-router';
import { Badge } from '#src/components/badge.tsx';
import { PagedList } from '#src/components/paged-list.tsx';
import { Reason } from '#src/components/reason.tsx';
import { RelativeTime } from '#src/components/relative-time.tsx';
import { Section } from '#src/components/section.tsx';
import { SkeletonRows } from '#src/components/skeleton-rows.tsx';
import { Empty } from '#src/components/states.tsx';
import { UserText } from '#src/components/user-text.tsx';
import { paths } from '#src/config/paths.ts';
import { type MyRelease, ReleaseService } from '#src/gen/forest/v1/releases_pb.ts';
import { paged } from '#src/lib/paged.ts';
import { polling } from '#src/lib/polling.ts';
import { ownReleaseView } from './own-release-view.ts';

/** Time between two polls of the list, in milliseconds. */
const POLL_INTERVAL = 10_000;

export const ownReleasesMethod = ReleaseService.method.listMyReleases;
export const ownReleasesInput = { pageToken: '' };

/** What the caller has under way as an author, over all organisations, newest first. */
export function OwnReleases() {
  const query = useInfiniteQuery(ownReleasesMethod, ownReleasesInput, {
    ...paged,
    ...polling(() => false, POLL_INTERVAL),
  });
  const releases = useMemo(() => query.data?.pages.flatMap((page) => page.releases) ?? [], [query.data]);
  const count = `${releases.length}${query.hasNextPage ? '+' : ''}`;
  return (
    <Section title="Your releases" flush aside={releases.length > 0 && <Badge icon={null}>{count}</Badge>}>
      <PagedList
        query={query}
        what="your releases"
        count={releases.length}
        quietRefresh
        loading={<SkeletonRows label="Loading your releases…" rows={2} />}
        empty={
          <Empty title="Nothing under way">Active releases that you requested or built appear here.</Empty>
        }
      >
        <ul aria-label="Your releases">
          {releases.map((release) => (
            <OwnRelease key={release.intent?.releaseIntentId} release={release} />
          ))}
        </ul>
      </PagedList>
    </Section>
  );
}

function OwnRelease({ release }: { readonly release: MyRelease }) {
  const { project, version, commitSha, intent, rejections } = release;
  const { title, status, environment, detail } = ownReleaseView(release);
  const address = paths.requirements(
    project?.organisation ?? '',
    project?.project ?? '',
    intent?.slug ?? '',
    intent?.releaseIntentId ?? '',
  );
  return (
    <li className="grid min-h-11 items-center gap-x-3 gap-y-0.5 border-b border-line px-4 py-1.5 text-sm last:border-b-0 max-sm:min-h-16 md:grid-cols-[minmax(0,1fr)_auto]">
      <div className="flex min-w-0 flex-wrap items-baseline gap-x-3">
        <Link
          to={address}
          className="min-w-0 font-medium wrap-anywhere no-underline hover:underline pointer-coarse:py-2.5"
        >
          <bdi>
            <UserText>{title}</UserText>
          </bdi>
        </Link>
        <span className="text-xs text-muted wrap-anywhere">
          <UserText>{project?.project}</UserText> <UserText>{version || commitSha.slice(0, 7)}</UserText>
        </span>
      </div>
      <div className="flex min-w-0 flex-wrap items-center gap-x-3 gap-y-1 text-xs text-muted md:justify-end">
        <Badge tone={status.tone}>{status.label}</Badge>
        {environment && (
          <span className="wrap-anywhere">
            <UserText>{environment}</UserText>
          </span>
        )}
        {detail && (
          <span className="wrap-anywhere">
            <Reason>{detail}</Reason>
          </span>
        )}
        <RelativeTime value={intent?.createdAt} />
      </div>
      {rejections.map(({ environment: rejectedFor, username, comment }) => (
        <p
          key={`${rejectedFor} ${username}`}
          className="col-span-full flex items-start gap-1 text-failed wrap-anywhere"
        >
          <X aria-hidden size={14} className="mt-0.5 shrink-0" />
          <span className="min-w-0">
            Rejected by <UserText>{username}</UserText> for <UserText>{rejectedFor}</UserText>
            {comment && (
              <>
                : “<UserText>{comment}</UserText>”
              </>
            )}
          </span>
        </p>
      ))}
    </li>
  );
}
