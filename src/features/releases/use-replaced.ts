import { createQueryOptions, useTransport } from '@connectrpc/connect-query';
import { useQueries } from '@tanstack/react-query';
import { ComparisonDirection, ReleaseService } from '#src/gen/forest/v1/releases_pb.ts';
import { buildName, replacesNewer } from '#src/lib/build-words.ts';
import type { DeployableBuild } from './deploy-button.tsx';

/** What a release would replace in one environment. */
export interface Replaced {
  readonly environment: string;
  /** What is said of a build that replaces a newer one. */
  readonly newer: string | undefined;
  /** The live builds, such as `1.4.2`; empty where nothing is live. */
  readonly live: readonly string[];
  /** Whether every destination runs the build already. */
  readonly same: boolean;
}

/** What a release of a build to these environments would replace, as far as it is loaded. */
export function useReplaced(
  { organisation, project, artifactId }: DeployableBuild,
  environments: readonly string[],
): Replaced[] {
  const transport = useTransport();
  const queries = useQueries({
    queries: environments.map((environment) =>
      createQueryOptions(
        ReleaseService.method.getReleaseComparison,
        { project: { organisation, project }, artifactId, environment },
        { transport },
      ),
    ),
  });
  return environments.flatMap((environment, index) => {
    const answer = queries[index]?.data;
    if (!answer) return [];
    const { direction, destinations } = answer;
    const replaced = destinations.find((one) => one.direction === direction)?.live;
    return {
      environment,
      newer: replacesNewer(direction, replaced),
      live: [...new Set(destinations.flatMap(({ live }) => (live ? [buildName(live)] : [])))],
      same: direction === ComparisonDirection.SAME && destinations.every(({ uncertain }) => !uncertain),
    };
  });
}
