import {
  type BoardCell,
  type BoardRow,
  type BoardWaiting,
  type Delivery,
  ReleaseStatus,
} from '#src/gen/forest/v1/releases_pb.ts';
import { blockedStatus, type StatusLabel } from '#src/lib/release-status.ts';

/** A build as people call it: its version, else its short commit, else its slug. */
export interface BuildName {
  readonly slug: string;
  readonly name: string;
}

/** The build that was live before. */
export interface PreviousBuild extends BuildName {
  readonly artifactId: string;
}

export interface LiveView extends BuildName {
  /** RFC 3339. */
  readonly since: string;
  /** The destinations that run it; empty where all run the same. */
  readonly on: readonly string[];
}

/** Something that happens to a project in an environment, or waits there. */
export interface CellItem extends StatusLabel {
  readonly key: string;
  /** Absent for what concerns no build, such as a hold. */
  readonly build?: BuildName;
  readonly intentId?: string;
  /** The count of approvals beside a rejection, or the server's reason. */
  readonly detail?: string;
}

/** What a cell says of a project in an environment. Plain data, so that React Query finds what a poll left unchanged. */
export interface CellView {
  readonly environment: string;
  readonly destinations: number;
  readonly live: readonly LiveView[];
  /** Who approved the live build, else who released it; empty if several builds are live or it is unknown. */
  readonly by: string;
  /** The admin who bypassed the approvals of the live build. */
  readonly bypassedBy: string;
  /** The most urgent first. */
  readonly items: readonly CellItem[];
  readonly previous: PreviousBuild | undefined;
}

export interface RowView {
  readonly project: string;
  readonly cells: readonly CellView[];
  /** How many releases and plans wait for a person. */
  readonly waiting: number;
  readonly failed: number;
  readonly needsAttention: boolean;
  /** Nothing was ever deployed, and nothing is coming. */
  readonly isEmpty: boolean;
  /** Everything is live with its approvals, and nothing is coming. */
  readonly isQuiet: boolean;
}

interface NamedBuild {
  readonly slug: string;
  readonly version?: string;
  readonly commitSha?: string;
}

const buildName = ({ slug, version, commitSha }: NamedBuild): BuildName => ({
  slug,
  name: version || commitSha?.slice(0, 7) || slug,
});

/** The order of urgency; the same kind keeps the server's order, oldest first. */
const KINDS = [
  'failed',
  'rejected',
  'approval',
  'plan',
  'uncertain',
  'hold',
  'blocked',
  'deploying',
  'queued',
  'time',
] as const;
type Kind = (typeof KINDS)[number];
type RankedItem = CellItem & { readonly kind: Kind };

/** The first two names and how many more: "ana, bo and 2 more". */
function nameList(names: readonly string[]): string {
  const rest = names.length - 2;
  return names.slice(0, 2).join(', ') + (rest > 0 ? ` and ${rest} more` : '');
}

const BYPASS = ' (bypass)';

/** What a cell says. */
export function cellView(cell: BoardCell): CellView {
  const [only, ...others] = cell.live;
  const isMixed = others.length > 0 || cell.places.some((place) => place.liveArtifactId === undefined);
  const bypass = only?.approvedBy.find((name) => name.endsWith(BYPASS));
  const requestedBy = cell.places.find((place) => place.requestedBy !== undefined)?.requestedBy;
  const approvals = only?.approvedBy ?? [];
  const by = approvals.length > 0 ? `approved by ${nameList(approvals)}` : requestedBy && `by ${requestedBy}`;
  return {
    environment: cell.environment,
    destinations: cell.places.length,
    live: cell.live.map((build) => ({
      ...buildName(build),
      since: build.since,
      on: isMixed
        ? cell.places.flatMap((place) =>
            place.liveArtifactId === build.artifactId ? [place.destination] : [],
          )
        : [],
    })),
    by: others.length > 0 || bypass !== undefined ? '' : (by ?? ''),
    bypassedBy: bypass?.slice(0, -BYPASS.length) ?? '',
    items: itemsOf(cell)
      .sort((a, b) => KINDS.indexOf(a.kind) - KINDS.indexOf(b.kind))
      .map(({ kind: _, ...item }) => item),
    previous: cell.previous && { ...buildName(cell.previous), artifactId: cell.previous.artifactId },
  };
}

function itemsOf(cell: BoardCell): RankedItem[] {
  const waiting = cell.waiting.map(waitingItem);
  const items = [...doubtItems(cell), ...waiting, ...cell.plans.map(planItem), ...deliveryItems(cell)];
  // A release that waits because of the hold says so itself.
  if (cell.onHold && !items.some(({ kind }) => kind === 'hold'))
    items.push({ kind: 'hold', key: 'hold', label: 'On hold', tone: 'waiting' });
  return items;
}

/** A release that waits at the gate. */
function waitingItem(one: BoardWaiting): RankedItem {
  const { rejectedBy, bypassedBy, requiredApprovals, currentApprovals, reason } = one;
  const base = { key: one.releaseIntentId, intentId: one.releaseIntentId, build: buildName(one) };
  const blocked = blockedStatus(reason);
  if (blocked.tone === 'blocked') return { ...base, ...blocked, kind: 'blocked', detail: reason };
  if (bypassedBy)
    return { ...base, kind: 'time', label: `Bypassed · ${blocked.label.toLowerCase()}`, tone: 'bypassed' };
  const count = `Awaiting approval ${currentApprovals}/${requiredApprovals}`;
  const isMissing = requiredApprovals > 0;
  if (rejectedBy.length > 0) {
    const label = `Rejected by ${nameList(rejectedBy)}`;
    return { ...base, kind: 'rejected', label, tone: 'failed', ...(isMissing && { detail: count }) };
  }
  if (isMissing) return { ...base, kind: 'approval', label: count, tone: 'waiting' };
  return { ...base, ...blocked, kind: blocked.tone === 'waiting' ? 'hold' : 'time', detail: reason };
}

const planItem = (one: BoardWaiting): RankedItem => ({
  kind: 'plan',
  key: `plan-${one.releaseIntentId}`,
  intentId: one.releaseIntentId,
  build: buildName(one),
  label: 'Awaiting plan approval',
  tone: 'waiting',
});

const FAILURES: Partial<Record<ReleaseStatus, string>> = {
  [ReleaseStatus.FAILED]: 'Failed',
  [ReleaseStatus.TIMED_OUT]: 'Timed out',
};

/** What failed, or may run, at the cell's destinations; nothing of releases that are being tried again. */
function doubtItems({ places, inFlight }: BoardCell): RankedItem[] {
  const doubtful = places.filter(
    ({ uncertain, failure }) =>
      uncertain && !inFlight.some((one) => one.releaseIntentId === failure?.releaseIntentId),
  );
  const grouped = Map.groupBy(
    doubtful,
    ({ failure }) => `${failure?.releaseIntentId ?? ''} ${failure?.status ?? ''}`,
  );
  return [...grouped].map(([key, group]) => {
    const failure = group[0]?.failure;
    const failed = failure && FAILURES[failure.status];
    const on =
      group.length < places.length ? ` on ${group.map((place) => place.destination).join(', ')}` : '';
    return {
      kind: failed ? 'failed' : 'uncertain',
      key: `doubt-${key}`,
      label: `${failed ?? 'Uncertain'}${on}`,
      tone: failed ? 'failed' : 'waiting',
      ...(failure && { build: buildName(failure), intentId: failure.releaseIntentId }),
    };
  });
}

/** A release that is being delivered, with all its destinations. */
function deliveryItems({ inFlight }: BoardCell): RankedItem[] {
  return [...Map.groupBy(inFlight, (one) => one.releaseIntentId)].flatMap(([intentId, [first, ...rest]]) => {
    if (!first) return [];
    const base = { key: `delivery-${intentId}`, intentId, build: buildName(first) };
    return [{ ...base, ...deliveryStatus([first, ...rest]) }];
  });
}

function deliveryStatus(deliveries: readonly Delivery[]): StatusLabel & { readonly kind: Kind } {
  const running = deliveries.filter(({ status }) => status !== ReleaseStatus.QUEUED);
  if (running.length === 0) {
    const position = Math.min(...deliveries.map(({ queuePosition }) => queuePosition));
    return { kind: 'queued', label: `Queued #${position}`, tone: 'time' };
  }
  return running.every(({ cancelling }) => cancelling)
    ? { kind: 'deploying', label: 'Cancelling', tone: 'neutral' }
    : { kind: 'deploying', label: 'Deploying', tone: 'running' };
}

/** Whether a person has to act on it. */
const isUrgent = ({ tone }: CellItem) => tone === 'waiting' || tone === 'failed' || tone === 'blocked';

/** What a row says. */
export function rowView({ project, cells: all }: BoardRow): RowView {
  const cells = all.map(cellView);
  const items = cells.flatMap((cell) => cell.items);
  const isEmpty = items.length === 0 && cells.every((cell) => cell.live.length === 0);
  const { size } = new Set(
    all.flatMap((cell) =>
      [...cell.waiting.filter((one) => one.requiredApprovals > 0 && !one.bypassedBy), ...cell.plans].map(
        (one) => one.releaseIntentId,
      ),
    ),
  );
  return {
    project,
    cells,
    waiting: size,
    failed: items.filter(({ key, tone }) => key.startsWith('doubt-') && tone === 'failed').length,
    needsAttention: items.some(isUrgent),
    isEmpty,
    isQuiet: !isEmpty && items.length === 0 && cells.every((cell) => cell.bypassedBy === ''),
  };
}

/** What a quiet project runs, in one line: "0.4.1 everywhere", else a build per environment. */
export function quietSummary({ cells }: RowView): string {
  const live = cells.flatMap(({ environment, live: builds }) =>
    builds.map(({ name }) => ({ environment, name })),
  );
  const [first] = live;
  if (first && live.length >= cells.length && live.every(({ name }) => name === first.name))
    return `${first.name} everywhere`;
  return live.map(({ environment, name }) => `${environment} ${name}`).join(' · ');
}
