import { ArtifactStatus } from '#src/gen/forest/v1/releases_pb.ts';

/** What a project's releases are narrowed by, as it stands in the address; empty texts narrow nothing. */
export interface ArtifactFilters {
  readonly text: string;
  readonly branch: string;
  readonly author: string;
  readonly status: ArtifactStatus;
}

/** The statuses that can be chosen: how they are called, and how the address writes them. */
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

/** The server refuses longer ones; the fields take no more. */
export const filterLimits = { text: 200, branch: 255, author: 256 } as const;

const texts = ['text', 'branch', 'author'] as const;

/** Reads the filters out of an address. What it does not know or the server would refuse narrows nothing. */
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

/** The part of the address for these filters; what narrows nothing is left out. */
export function searchFor(filters: ArtifactFilters): URLSearchParams {
  const search = new URLSearchParams();
  const status = statusChoices.find((one) => one.status === filters.status)?.inAddress;
  if (status) search.set('status', status);
  for (const name of texts) if (filters[name].trim()) search.set(name, filters[name].trim());
  return search;
}

/** Whether anything is narrowed. */
export function narrows(filters: ArtifactFilters): boolean {
  return searchFor(filters).size > 0;
}
