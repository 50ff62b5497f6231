import { ArtifactStatus } from '#src/gen/forest/v1/releases_pb.ts';

/** The filters of a project's releases, as in the address; an empty text filters nothing. */
export interface ArtifactFilters {
  readonly text: string;
  readonly branch: string;
  readonly author: string;
  readonly status: ArtifactStatus;
}

/** The statuses to choose from, with their labels and their names in the address. */
export const statusChoices: readonly {
  readonly status: ArtifactStatus;
  readonly inAddress: string;
  readonly label: string;
}[] = [
  { status: ArtifactStatus.UNSPECIFIED, inAddress: '', label: 'Any status' },
  { status: ArtifactStatus.AWAITING_APPROVAL, inAddress: 'awaiting-approval', label: 'Awaiting approval' },
  { status: ArtifactStatus.ACTIVE, inAddress: 'under-way', label: 'Under way' },
  { status: ArtifactStatus.SUCCEEDED, inAddress: 'deployed', label: 'Deployed' },
  { status: ArtifactStatus.FAILED, inAddress: 'failed', label: 'Failed' },
  { status: ArtifactStatus.CANCELLED, inAddress: 'cancelled', label: 'Cancelled' },
  { status: ArtifactStatus.NOT_RELEASED, inAddress: 'not-released', label: 'Not released' },
];

export const noFilters: ArtifactFilters = {
  text: '',
  branch: '',
  author: '',
  status: ArtifactStatus.UNSPECIFIED,
};

/** The server's limits, in characters. */
export const filterLimits = { text: 200, branch: 255, author: 256 } as const;

const texts = ['text', 'branch', 'author'] as const;

/** The filters of an address. Unknown and too long values are ignored. */
export function filtersIn(search: URLSearchParams): ArtifactFilters {
  const [text, branch, author] = texts.map((name) => {
    const value = search.get(name) ?? '';
    return Array.from(value).length <= filterLimits[name] ? value : '';
  });
  const status = statusChoices.find(({ inAddress }) => inAddress === search.get('status'))?.status;
  return {
    text: text ?? '',
    branch: branch ?? '',
    author: author ?? '',
    status: status ?? ArtifactStatus.UNSPECIFIED,
  };
}

/** The address's query for these filters, without empty ones. */
export function searchFor(filters: ArtifactFilters): URLSearchParams {
  const search = new URLSearchParams();
  const status = statusChoices.find((one) => one.status === filters.status)?.inAddress;
  if (status) search.set('status', status);
  for (const name of texts) if (filters[name].trim()) search.set(name, filters[name].trim());
  return search;
}

/** How many of the filters under **More filters** are set. */
export const moreFilters = ({ branch, author }: ArtifactFilters): number =>
  [branch, author].filter((value) => value.trim()).length;

/** Whether any filter is set. */
export function isFiltered(filters: ArtifactFilters): boolean {
  return searchFor(filters).size > 0;
}
