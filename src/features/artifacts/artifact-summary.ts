import {
  type Artifact,
  type PipelineStageState,
  type ReleaseIntentState,
  type ReleaseStepState,
  PipelineRunStageType as StageType,
} from '#src/gen/forest/v1/releases_pb.ts';
import { statusLabels } from '#src/lib/intent-status.ts';
import {
  deployStatus,
  environmentLabel,
  type PlacedBuild,
  type StatusLabel,
  withBypass,
} from '#src/lib/release-status.ts';

export interface ArtifactSummary {
  /** The status of its current release, and who has rejected that. */
  readonly statuses: readonly StatusLabel[];
  /** The environments of its releases. */
  readonly environments: readonly (StatusLabel & { readonly environment: string })[];
}

/** A rejected deployment is red, although it waits. */
function stageLabel(
  stage: PipelineStageState,
  steps: readonly ReleaseStepState[],
  places: readonly PlacedBuild[],
): StatusLabel {
  const status = deployStatus(stage, steps, places);
  return stage.rejectedBy.length > 0 ? { label: `${status.label}, rejected`, tone: 'failed' } : status;
}

/** How the list shows an artifact: its status, and its environments in the organisation's `order`, others last. */
export function summarise(
  artifact: Artifact,
  intent: ReleaseIntentState | undefined,
  order: readonly string[],
): ArtifactSummary {
  const { destinations } = artifact;
  const deploys = (intent?.stages ?? []).filter(({ stageType }) => stageType === StageType.DEPLOY);
  const shown = new Map(
    deploys.map((stage) => [stage.environment ?? '', stageLabel(stage, intent?.steps ?? [], destinations)]),
  );
  // Earlier releases count where the current one has no stage.
  for (const { environment, bypassedBy } of destinations) {
    const label = environmentLabel(destinations, environment);
    if (label && !shown.has(environment)) shown.set(environment, withBypass(label, bypassedBy));
  }
  const known = order.flatMap((environment) => (shown.has(environment) ? [environment] : []));
  const names = new Set([...known, ...shown.keys()]);
  return {
    statuses: statusLabels(intent, destinations),
    environments: [...names].flatMap((environment) => {
      const state = shown.get(environment);
      return state ? [{ environment, ...state }] : [];
    }),
  };
}
