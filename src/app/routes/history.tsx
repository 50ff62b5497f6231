import { type LoaderFunctionArgs, useSearchParams } from 'react-router';
import { Page } from '#src/components/page.tsx';
import { paths } from '#src/config/paths.ts';
import { filterSearch, type HistoryFilter, readFilter } from '#src/features/history/history-filter.ts';
import { HistoryList } from '#src/features/history/history-list.tsx';
import { historyOptions } from '#src/features/history/use-history.ts';
import { useIsAdmin } from '#src/lib/session-facts.ts';
import { organisationIn, useOrganisationParam } from '../route-params.ts';
import { servicesOf } from '../services.ts';

export async function loader({ params, request, context }: LoaderFunctionArgs) {
  const { queryClient, transport } = servicesOf(context);
  const filter = readFilter(new URL(request.url).searchParams);
  await queryClient.ensureInfiniteQueryData(historyOptions(transport, organisationIn(params), filter));
  return null;
}

/** The list itself loads other filters, and shows their loading and failure. */
export function shouldRevalidate({ currentUrl, nextUrl }: { currentUrl: URL; nextUrl: URL }) {
  return currentUrl.pathname !== nextUrl.pathname;
}

export function Component() {
  const organisation = useOrganisationParam();
  const isAdmin = useIsAdmin(organisation);
  const [search, setSearch] = useSearchParams();
  return (
    <Page
      title="History"
      documentTitle={`History · ${organisation}`}
      crumbs={[{ label: organisation, to: paths.organisation(organisation) }, { label: 'History' }]}
    >
      <HistoryList
        organisation={organisation}
        filter={readFilter(search)}
        isAdmin={isAdmin}
        onFilter={(filter: HistoryFilter) => setSearch(filterSearch(filter), { preventScrollReset: true })}
      />
    </Page>
  );
}
