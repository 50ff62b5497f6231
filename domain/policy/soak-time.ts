import type { LivePeriod } from '#domain/release/place.ts';
import { formatDuration, formatRemaining } from '#domain/time/duration.ts';
import { formatTimestamp } from '#domain/time/timestamp.ts';
import type { SoakTimeConfig } from './policy.ts';
import { block, pass, type RuleVerdict } from './rule-verdict.ts';

/** When this build, or an equal one, was live on one destination of the source environment. */
export interface SoakSource {
  readonly destinationName: string;
  /** The latest first. */
  readonly periods: readonly LivePeriod[];
}

/** From this many seconds on, the reason counts whole minutes, so that polls find it unchanged for longer. */
const COUNT_MINUTES_FROM = 120;
/** Older periods do not count. */
const COUNTED_MS = 90 * 24 * 3_600_000;

const shownSeconds = (seconds: number): number =>
  seconds < COUNT_MINUTES_FROM ? seconds : seconds - (seconds % 60);

/** When the reason of a soak that ends at `endsAt`, evaluated at `now` before that, changes next. */
export function soakReasonChangesAt(endsAt: Date, now: Date): Date {
  const seconds = Math.ceil((endsAt.getTime() - now.getTime()) / 1_000);
  return new Date(endsAt.getTime() - (shownSeconds(seconds) - 1) * 1_000);
}

/** A period as the policy counts it; times in milliseconds, `endedAt` null while it lasts. */
interface Stay {
  readonly beganAt: number;
  readonly endedAt: number | null;
  readonly endedBy: string | null;
}

function staysOf({ periods }: SoakSource, newerBuildsCount: boolean, now: Date): Stay[] {
  return periods
    .map((period): Stay => {
      const [ended, endedBy] = newerBuildsCount
        ? [period.outdatedAt, period.outdatedBy]
        : [period.endedAt, period.endedBy];
      const [beganAt, endedAt] = [period.beganAt.getTime(), ended?.getTime() ?? null];
      if (Number.isNaN(beganAt) || Number.isNaN(endedAt)) throw new RangeError('a time is invalid');
      return { beganAt, endedAt, endedBy };
    })
    .filter(({ endedAt }) => endedAt === null || endedAt > now.getTime() - COUNTED_MS);
}

/** How long a build has been live on a destination, as far as a soak is concerned. */
type Soak =
  | { readonly is: 'done' }
  | { readonly is: 'running'; readonly endsAt: number }
  | { readonly is: 'interrupted'; readonly seconds: number; readonly by: string | null }
  | { readonly is: 'missing' };

function soakOf(stays: readonly Stay[], durationMs: number, now: Date): Soak {
  const lengthOf = ({ beganAt, endedAt }: Stay) => (endedAt ?? now.getTime()) - beganAt;
  if (stays.some((stay) => lengthOf(stay) >= durationMs)) return { is: 'done' };
  const running = stays.filter(({ endedAt }) => endedAt === null).map(({ beganAt }) => beganAt);
  if (running.length > 0) return { is: 'running', endsAt: Math.min(...running) + durationMs };
  const [last] = stays;
  if (last === undefined) return { is: 'missing' };
  return { is: 'interrupted', seconds: Math.floor(lengthOf(last) / 1_000), by: last.endedBy };
}

/** Each destination's soak of the build. */
const soaksOn = (
  { durationSeconds, newerBuildsCount }: SoakTimeConfig,
  sources: readonly SoakSource[],
  now: Date,
) =>
  sources.map((one) => ({
    name: one.destinationName,
    soak: soakOf(staysOf(one, newerBuildsCount, now), durationSeconds * 1_000, now),
  }));

/** Whether the build is no longer live on one of the source's destinations, so that time alone cannot end its soak there. */
export const isSoakInterrupted = (
  config: SoakTimeConfig,
  sources: readonly SoakSource[],
  now: Date,
): boolean => soaksOn(config, sources, now).some(({ soak }) => soak.is === 'interrupted');

/**
 * Passes when, on every destination of the source environment, the build was live for at least the configured seconds without
 * interruption, within the last 90 days. `sources` has one entry per destination; undefined: the environment is unknown.
 * @param isReturn whether the release returns its destinations to a build that they ran before; such a release needs no soak.
 * @throws RangeError for an invalid date; the evaluator turns that into a block.
 */
export function evaluateSoakTime(
  config: SoakTimeConfig,
  sources: readonly SoakSource[] | undefined,
  isReturn: boolean,
  now: Date,
): RuleVerdict {
  const { sourceEnvironment: source, durationSeconds } = config;
  if (!(durationSeconds > 0)) return block(`the soak duration must be more than 0, not ${durationSeconds}`);
  if (!sources) return block(`deployments to ${source} are unknown`);
  if (sources.length === 0) return block(`${source} has no destinations`);
  if (isReturn) return pass(`a return to a build that was live in ${config.targetEnvironment}`);

  const soaks = soaksOn(config, sources, now);
  const missing = soaks.filter(({ soak }) => soak.is === 'missing').map(({ name }) => name);
  if (missing.length > 0) return block(`not deployed to ${source} (${missing.join(', ')}) yet`);
  const total = formatDuration(durationSeconds);
  for (const { name, soak } of soaks) {
    if (soak.is !== 'interrupted') continue;
    const after = `after ${formatDuration(Math.max(1, soak.seconds))} of ${total} in ${source} (${name})`;
    return block(soak.by === null ? `interrupted ${after}` : `replaced by ${soak.by} ${after}`);
  }
  const ends = soaks.flatMap(({ soak }) => (soak.is === 'running' ? [soak.endsAt] : []));
  if (ends.length === 0) return pass(`soaked ${total} in ${source}`);
  const endsAt = new Date(Math.max(...ends));
  const left = formatRemaining(shownSeconds(Math.ceil((endsAt.getTime() - now.getTime()) / 1_000)));
  return block(`${left} left of ${total} in ${source}, ends ${formatTimestamp(endsAt)}`, endsAt);
}
