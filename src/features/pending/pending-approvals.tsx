import { useInfiniteQuery } from '@connectrpc/connect-query';
import { Link } from 'react-router';
import { Badge } from '#src/components/badge.tsx';
import { PagedList } from '#src/components/paged-list.tsx';
import { RelativeTime } from '#src/components/relative-time.tsx';
import { Section } from '#src/components/section.tsx';
import { Empty } from '#src/components/states.tsx';
import { paths } from '#src/config/paths.ts';
import { type PendingApproval, PolicyService } from '#src/gen/forest/v1/policies_pb.ts';
import { describeError } from '#src/lib/errors.ts';
import { paged } from '#src/lib/paged.ts';
import { polling } from '#src/lib/polling.ts';

/** What the caller's own vote can move, over all organisations, oldest first. */
export function PendingApprovals() {
  const query = useInfiniteQuery(
    PolicyService.method.listPendingApprovals,
    { pageToken: '' },
    { ...paged, ...polling(() => false, 10_000) },
  );
  const approvals = query.data?.pages.flatMap((page) => page.approvals) ?? [];
  return (
    <Section title="Waiting for you" flush>
      <PagedList
        query={query}
        what="approvals"
        error={query.error ? describeError(query.error).message : ''}
        count={approvals.length}
        empty={<Empty title="Nothing waits for your vote." />}
      >
        <ul aria-label="Waiting for you">
          {approvals.map((approval) => (
            <PendingRow key={`${approval.releaseIntentId}/${approval.environment}`} approval={approval} />
          ))}
        </ul>
      </PagedList>
    </Section>
  );
}

function PendingRow({ approval }: { readonly approval: PendingApproval }) {
  const { project, slug, title, environment, currentApprovals, requiredApprovals } = approval;
  const organisation = project?.organisation ?? '';
  const name = project?.project ?? '';
  return (
    <li className="flex flex-wrap items-center gap-x-3 gap-y-1 border-b border-line px-4 py-2.5 last:border-b-0">
      <span className="text-muted wrap-anywhere">
        {organisation} / {name}
      </span>
      <Link
        to={paths.requirements(organisation, name, slug)}
        className="min-w-0 font-medium wrap-anywhere no-underline hover:underline"
      >
        {title.split('\n', 1)[0] || slug}
      </Link>
      <span className="wrap-anywhere">{environment}</span>
      <Badge tone="waiting">
        {currentApprovals}/{requiredApprovals} approvals
      </Badge>
      {approval.myDecision && <span className="text-muted">you {approval.myDecision}</span>}
      <span className="ml-auto text-xs text-muted">
        by {approval.authorUsername} · <RelativeTime value={approval.waitingSince} />
      </span>
    </li>
  );
}
