import { useQuery } from '@connectrpc/connect-query';
import { useEffect, useRef } from 'react';
import { ReleaseService } from '#src/gen/forest/v1/releases_pb.ts';

/** The input of `GetReleaseComparison`; the loader and the page share the answer. */
export function comparisonInput(
  organisation: string,
  project: string,
  artifactId: string,
  environment: string,
) {
  return { project: { organisation, project }, artifactId, environment };
}

/** The comparison of a build with what an environment runs. Loaded again when `revision`, which the page polls, changes. */
export function useComparison(input: ReturnType<typeof comparisonInput>, revision: string | undefined) {
  const query = useQuery(ReleaseService.method.getReleaseComparison, input);
  const { refetch } = query;
  const seen = useRef(revision);
  useEffect(() => {
    const isFirst = seen.current === undefined;
    if (seen.current === revision) return;
    seen.current = revision;
    if (!isFirst) void refetch();
  }, [revision, refetch]);
  return query;
}
