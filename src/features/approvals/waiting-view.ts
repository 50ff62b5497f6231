import type { PendingApproval } from '#src/gen/forest/v1/policies_pb.ts';
import { ComparisonDirection } from '#src/gen/forest/v1/releases_pb.ts';
import { isPlan } from './pending-view.ts';
import type { ReleaseRef } from './queries.ts';

/** What else makes a vote unsafe without a look. */
export function cautionsOf({ uncertain, unknownSource }: PendingApproval): string[] {
  return [
    ...(uncertain ? ['Uncertain: a destination may run another build than its live one.'] : []),
    ...(unknownSource
      ? ['The source names nobody in this organisation, so four eyes cannot be checked.']
      : []),
  ];
}

/** Why an entry has to be opened before it is approved together with others, in the singular and the plural. */
const LOOKS: readonly (readonly [string, string, (approval: PendingApproval) => boolean])[] = [
  ['plan', 'plans', isPlan],
  ['rejected', 'rejected', ({ rejections }) => rejections.length > 0],
  ['rollback', 'rollbacks', ({ direction }) => direction === ComparisonDirection.ROLLBACK],
  ['older build', 'older builds', ({ isRollback }) => isRollback],
  ['uncertain', 'uncertain', ({ uncertain }) => uncertain],
  ['unknown source', 'unknown sources', ({ unknownSource }) => unknownSource],
  ['changed destination', 'changed destinations', ({ destinationChanges }) => destinationChanges.length > 0],
];

const lookOf = (approval: PendingApproval) => LOOKS.find(([, , applies]) => applies(approval));

/** Whether it has to be opened before it is approved together with others. */
export const needsLook = (approval: PendingApproval): boolean => lookOf(approval) !== undefined;

/** `Not included: 1 rejected, 2 rollbacks. Open them first.`; undefined where nothing is left out. */
export function notIncludedLabel(leftOut: readonly PendingApproval[]): string | undefined {
  if (leftOut.length === 0) return undefined;
  const counts = LOOKS.flatMap((look) => {
    const count = leftOut.filter((approval) => lookOf(approval) === look).length;
    return count === 0 ? [] : [`${count} ${count === 1 ? look[0] : look[1]}`];
  });
  return `Not included: ${counts.join(', ')}. Open ${leftOut.length === 1 ? 'it' : 'them'} first.`;
}

/** Identifies a row: a stage of a release. */
export function keyOf({ releaseIntentId, stageId }: Pick<PendingApproval, 'releaseIntentId' | 'stageId'>) {
  return `${releaseIntentId}/${stageId}`;
}

/** The first line of the title, or the slug of a build without one. */
export function titleOf({ title, slug }: Pick<PendingApproval, 'title' | 'slug'>): string {
  return title.split('\n', 1)[0]?.trim() || slug;
}

/** The release that a vote on the entry is about. */
export function refOf({ project, releaseIntentId }: PendingApproval): ReleaseRef {
  return { organisation: project?.organisation ?? '', project: project?.project ?? '', releaseIntentId };
}

const projectOf = ({ project }: PendingApproval) => `${project?.organisation}/${project?.project}`;
const targetOf = (approval: PendingApproval) => `${projectOf(approval)}/${approval.environment}`;
const buildOf = ({ version, slug }: PendingApproval) => version || slug;

/** Oldest first, as the server lists them. */
export function byAge(a: PendingApproval, b: PendingApproval): number {
  const [one, other] = [a, b].map((row) => [row.waitingSince, row.releaseIntentId, row.stageId].join(' '));
  return (one ?? '') < (other ?? '') ? -1 : 1;
}

export interface ProjectGroup<Row> {
  readonly organisation: string;
  readonly project: string;
  readonly rows: readonly Row[];
}

/** The rows by project: the project with the oldest row first, and in it the oldest row first. */
export function groupByProject<Row extends { readonly approval: PendingApproval }>(
  rows: readonly Row[],
): ProjectGroup<Row>[] {
  const sorted = [...rows].sort((a, b) => byAge(a.approval, b.approval));
  return [...Map.groupBy(sorted, ({ approval }) => projectOf(approval)).values()].map((group) => {
    const { organisation = '', project = '' } = group[0]?.approval.project ?? {};
    return { organisation, project, rows: group };
  });
}

/** The environments that occur, each once, in the order in which organisations list theirs. */
export function environmentsOf(approvals: readonly PendingApproval[]): string[] {
  const sorted = approvals.toSorted(
    (a, b) =>
      a.environmentSortOrder - b.environmentSortOrder || a.environment.localeCompare(b.environment, 'en'),
  );
  return [...new Set(sorted.map(({ environment }) => environment))];
}

/** Several builds of one project for one environment, of which one stays live. */
export interface Competition {
  /** `3 builds of storefront for production: only 2.11.0 will stay live` */
  readonly label: string;
  /** The keys of all but the newest; empty where the last one approved stays live, because one replaces a newer build. */
  readonly olderKeys: readonly string[];
}

/** The selected builds that would replace each other. */
export function competitionsOf(approvals: readonly PendingApproval[]): Competition[] {
  return [...Map.groupBy(approvals, targetOf).values()].flatMap((rows) => {
    const builds = new Set(rows.map(({ buildOrder }) => buildOrder));
    const [first] = rows;
    if (first === undefined || builds.size < 2) return [];
    const newest = rows.reduce((a, b) => (b.buildOrder > a.buildOrder ? b : a));
    const known = rows.every(({ isRollback }) => !isRollback);
    const older = rows.filter(({ buildOrder }) => buildOrder < newest.buildOrder);
    const label = `${builds.size} builds of ${first.project?.project} for ${first.environment}: only ${known ? buildOf(newest) : 'one of them'} will stay live`;
    return [{ label, olderKeys: known ? older.map(keyOf) : [] }];
  });
}

const UNITS = [
  ['w', 604_800],
  ['d', 86_400],
  ['h', 3_600],
  ['m', 60],
] as const;

/** How long ago in a narrow column: `now`, `5m`, `2h`, `3d`, `6w`. `now` in milliseconds. */
export function ageLabel(since: Date, now: number): string {
  const seconds = (now - since.getTime()) / 1000;
  const [unit, size] = UNITS.find(([, one]) => seconds >= one) ?? ['', 1];
  return unit === '' ? 'now' : `${Math.floor(seconds / size)}${unit}`;
}
