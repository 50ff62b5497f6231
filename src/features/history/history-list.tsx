import { useInfiniteQuery } from '@connectrpc/connect-query';
import { PagedList } from '#src/components/paged-list.tsx';
import { RelativeTime } from '#src/components/relative-time.tsx';
import { Row, Rows } from '#src/components/rows.tsx';
import { Section } from '#src/components/section.tsx';
import { Empty } from '#src/components/states.tsx';
import { PolicyService } from '#src/gen/forest/v1/policies_pb.ts';
import { describeError } from '#src/lib/errors.ts';
import { paged } from '#src/lib/paged.ts';
import { historyInput } from './queries.ts';

/** Who did what when in an organisation, newest first. */
export function HistoryList({ organisation }: { readonly organisation: string }) {
  const query = useInfiniteQuery(PolicyService.method.listHistory, historyInput(organisation), paged);
  const entries = query.data?.pages.flatMap((page) => page.entries) ?? [];
  return (
    <Section title="History" flush>
      <PagedList
        query={query}
        what="history"
        error={query.error ? describeError(query.error).message : ''}
        count={entries.length}
        empty={<Empty title="Nothing has happened yet." />}
      >
        <Rows label="History">
          {entries.map(({ id, at, kind, actorUsername, project, subject }) => (
            <Row key={id}>
              <span className="min-w-0 font-medium wrap-anywhere">{actorUsername}</span>
              <span className="min-w-0 wrap-anywhere">{kind.replaceAll(/[._]/g, ' ')}</span>
              <span className="min-w-0 text-muted wrap-anywhere">{subject}</span>
              {project && <span className="min-w-0 text-muted wrap-anywhere">in {project}</span>}
              <RelativeTime value={at} className="ml-auto text-xs text-muted" />
            </Row>
          ))}
        </Rows>
      </PagedList>
    </Section>
  );
}
