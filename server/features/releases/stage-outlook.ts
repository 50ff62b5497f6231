import { type Build, type Direction, directionOf } from '#domain/release/place.ts';
import type { Stage } from '#domain/release/stage.ts';
import { isStageEnded } from '#domain/release/transition.ts';
import {
  type IntentFacts,
  placesByEnvironment,
  stagesOf,
  stalePlan,
  targetPlaces,
} from '#server/features/gate/facts.ts';
import type { IntentRow } from '#server/features/gate/rows.ts';
import type { IntentStateRow } from './rows.ts';

/** How a stage relates to what its destinations run. */
export interface StageOutlook {
  /** What a deploy stage changes or, after a rollback, did change; null where nothing is compared. */
  readonly direction: Direction | null;
  /** Whether a plan stage's plan no longer shows what the release would do. */
  readonly planStale: boolean;
}

export type StageOutlooks = ReadonlyMap<string, StageOutlook>;

/** What the outlook of a release's stages depends on. */
interface PlacedStages extends Pick<IntentFacts, 'stages' | 'places'> {
  readonly intent: Pick<IntentRow, 'status' | 'buildOrder'>;
}

/** The outlook of every stage of a release; `rolledBack` are the environments that it rolled back. */
export function stageOutlooks(facts: PlacedStages, rolledBack: readonly string[], now: Date): StageOutlooks {
  const { status, buildOrder } = facts.intent;
  const directionOfStage = (stage: Stage): Direction | null => {
    if (stage.kind.type !== 'deploy') return null;
    const { environment } = stage.kind;
    if (rolledBack.includes(environment)) return 'rollback';
    if (status !== 'ACTIVE' || isStageEnded(stage.status)) return null;
    const build: Pick<Build, 'order'> = { order: buildOrder };
    return directionOf(targetPlaces(facts, environment), build, now);
  };
  return new Map(
    facts.stages.map((stage) => [
      stage.id,
      { direction: directionOfStage(stage), planStale: stalePlan(facts, stage) !== null },
    ]),
  );
}

/** The outlook of the stages of a row. */
export const outlooksOfRow = (row: IntentStateRow, now: Date): StageOutlooks =>
  stageOutlooks(
    { intent: row, stages: stagesOf(row), places: placesByEnvironment(row.places) },
    row.rolledBack,
    now,
  );
