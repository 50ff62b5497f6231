import type { InfiniteData } from '@tanstack/react-query';
import { type GetArtifactsByProjectResponse, ReleaseIntentStatus } from '#src/gen/forest/v1/releases_pb.ts';
import { polling } from '#src/lib/polling.ts';
import type { ArtifactFilters } from './artifact-filters.ts';

const pageSize = 50;

/** The first page of a project's artifacts that the filters let pass; the loader and the list ask the same. */
export function artifactsInput(organisation: string, project: string, filters: ArtifactFilters) {
  const { text, branch, author, status } = filters;
  return {
    project: { organisation, project },
    pageSize,
    pageToken: '',
    text: text || undefined,
    branch: branch || undefined,
    author: author || undefined,
    status,
  };
}

/** A list is looked at in passing: every 5 s is enough here while anything moves. In milliseconds. */
const listStep = 5_000;

/** The list stays live while a release on it is under way: its releases come with it, so one query tells all. */
export const artifactsPolling = polling<InfiniteData<GetArtifactsByProjectResponse>>(
  (answer) =>
    answer !== undefined &&
    !answer.pages.some((page) =>
      page.artifact.some(({ latestIntent }) => latestIntent?.status === ReleaseIntentStatus.ACTIVE),
    ),
  listStep,
);
