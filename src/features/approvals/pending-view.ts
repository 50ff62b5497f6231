import { type PendingApproval, PendingKind } from '#src/gen/forest/v1/policies_pb.ts';

/** Whether it waits for the verdict on a plan, which is given on the release's page. */
export const isPlan = ({ kind }: Pick<PendingApproval, 'kind'>): boolean => kind === PendingKind.PLAN;

/** What else makes a vote unsafe without a look. */
export function cautionsOf({ uncertain, unknownSource }: PendingApproval): string[] {
  return [
    ...(uncertain ? ['Uncertain: a destination may run another build than its live one.'] : []),
    ...(unknownSource
      ? ['The source names nobody in this organisation, so four eyes cannot be checked.']
      : []),
  ];
}

/** Whether it has to be opened before it is approved together with others. */
export function needsLook(approval: PendingApproval): boolean {
  const { rejections, isRollback, destinationChanges } = approval;
  return (
    isPlan(approval) ||
    isRollback ||
    rejections.length > 0 ||
    destinationChanges.length > 0 ||
    cautionsOf(approval).length > 0
  );
}

/** Identifies a row: a stage of a release. */
export function keyOf({ releaseIntentId, stageId }: PendingApproval): string {
  return `${releaseIntentId}/${stageId}`;
}

/** The first line of the title, or the slug of a build without one. */
export function titleOf({ title, slug }: PendingApproval): string {
  return title.split('\n', 1)[0]?.trim() || slug;
}
