import {
  type PipelineStageState,
  type ReleaseIntentState,
  PipelineRunStageStatus as Stage,
  PipelineRunStageType as StageType,
} from '#src/gen/forest/v1/releases_pb.ts';
import { stepsOf } from './stage-labels.ts';

/** The environments that a release deploys to. */
const environmentsOf = ({ stages }: ReleaseIntentState): string[] => [
  ...new Set(
    stages.flatMap(({ environment, stageType }) =>
      environment && stageType !== StageType.PLAN ? [environment] : [],
    ),
  ),
];

/** What tells the releases of one build apart: the pipeline, or the environments of a release without one. */
export const releaseName = (intent: ReleaseIntentState): string =>
  intent.pipeline ?? `${environmentsOf(intent).join(' and ')} only`;

/** What a build is deployed to. */
export interface ReleaseTarget {
  readonly pipeline?: string | undefined;
  /** The environment of a release without a pipeline. */
  readonly environment?: string | undefined;
  /** Whether only the plans of the pipeline run. */
  readonly prepareOnly?: boolean;
}

/** The target of a release, to deploy to it again. Undefined environment: it had several, of which one must be chosen. */
export function targetOf(intent: ReleaseIntentState): ReleaseTarget {
  const { pipeline, prepareOnly } = intent;
  const environments = environmentsOf(intent);
  return pipeline
    ? { pipeline, prepareOnly }
    : { environment: environments.length === 1 ? environments[0] : undefined };
}

/** The stage whose log is of most interest: what failed, else what runs, else what ran last. */
export function logStage(intent: ReleaseIntentState): PipelineStageState | undefined {
  const ran = intent.stages.filter((stage) => stepsOf(stage, intent.steps).length > 0);
  return (
    ran.find(({ status }) => status === Stage.FAILED) ??
    ran.find(({ status }) => status === Stage.ACTIVE) ??
    ran.at(-1)
  );
}
