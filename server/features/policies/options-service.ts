import type { Evaluation } from '#domain/policy/evaluate.ts';
import type { AppContext } from '#server/context.ts';
import { notFound } from '#server/failure.ts';
import { type Environment, listEnvironments } from '#server/features/environments/service.ts';
import { loadForecast } from '#server/features/gate/surroundings.ts';
import { listEnabledPipelines, type Pipeline } from '#server/features/pipelines/service.ts';
import type { ProjectScope } from '#server/rpc/access.ts';

/** What a form can offer at once. */
const MOST = 500;

export interface ReleaseOptions {
  readonly pipelines: readonly Pipeline[];
  readonly environments: readonly Environment[];
  /** One for each of the environments, in their order. */
  readonly forecasts: readonly {
    readonly environment: string;
    readonly evaluations: readonly Evaluation[];
  }[];
}

/**
 * What an artifact could be released to, and what the policies would say now; it starts nothing.
 * @throws Failure not_found when the project has no such artifact.
 */
export async function releaseOptions(
  app: AppContext,
  scope: ProjectScope,
  artifactId: string,
): Promise<ReleaseOptions> {
  const [forecast, pipelines, found] = await Promise.all([
    loadForecast(app.db, scope.projectId, artifactId),
    listEnabledPipelines(app, scope, MOST),
    listEnvironments(app, scope, { limit: MOST, after: null }),
  ]);
  if (forecast === null) throw notFound(`artifact ${artifactId}`);
  const now = app.clock.now();
  const environments = found.slice(0, MOST);
  return {
    pipelines,
    environments,
    forecasts: environments.map(({ name }) => ({ environment: name, evaluations: forecast(name, now) })),
  };
}
