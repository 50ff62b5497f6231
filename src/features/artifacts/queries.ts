import type { InfiniteData } from '@tanstack/react-query';
import { type GetArtifactsByProjectResponse, ReleaseIntentStatus } from '#src/gen/forest/v1/releases_pb.ts';
import { polling } from '#src/lib/polling.ts';
import type { ArtifactFilters } from './artifact-filters.ts';

const PAGE_SIZE = 50;

/** The first page of a project's filtered artifacts; the loader and the list share the answer. */
export function artifactsInput(organisation: string, project: string, filters: ArtifactFilters) {
  const { text, branch, author, status } = filters;
  return {
    project: { organisation, project },
    pageSize: PAGE_SIZE,
    pageToken: '',
    text: text || undefined,
    branch: branch || undefined,
    author: author || undefined,
    status,
  };
}

/** In milliseconds. */
const POLL_INTERVAL = 5_000;

/** Polls while a listed release is active. */
export const artifactsPolling = polling<InfiniteData<GetArtifactsByProjectResponse>>(
  (answer) =>
    answer !== undefined &&
    !answer.pages.some((page) =>
      page.artifact.some(({ latestIntent }) => latestIntent?.status === ReleaseIntentStatus.ACTIVE),
    ),
  POLL_INTERVAL,
);
