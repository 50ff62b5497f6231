import { useMemo } from 'react';
import { useSearchParams } from 'react-router';
import { type ArtifactFilters, filtersIn, searchFor } from './artifact-filters.ts';

/**
 * The filters of the address, and how to change them. A choice adds a step to the browser's history; `typing` replaces the
 * last step, so that not every letter is one.
 */
export function useArtifactFilters() {
  const [search, setSearch] = useSearchParams();
  const text = search.toString();
  const filters = useMemo(() => filtersIn(new URLSearchParams(text)), [text]);
  return {
    filters,
    change: (changed: Partial<ArtifactFilters>, how: 'chosen' | 'typing') =>
      setSearch((now) => searchFor({ ...filtersIn(now), ...changed }), {
        replace: how === 'typing',
        preventScrollReset: true,
      }),
    clear: () => setSearch(new URLSearchParams(), { preventScrollReset: true }),
  };
}
