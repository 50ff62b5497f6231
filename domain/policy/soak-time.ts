import { formatDuration, formatRemaining } from '#domain/time/duration.ts';
import { formatInstant } from '#domain/time/instant.ts';
import type { SoakTimeConfig } from './policy.ts';
import { block, pass, type RuleVerdict } from './rule-verdict.ts';

/** When the artifact in question last arrived at one destination of the source environment; null: never. */
export interface SourceDeployment {
  readonly destinationName: string;
  readonly lastSucceededAt: Date | null;
}

/** From here on, in seconds, the words count whole minutes: they are polled, and stay the same for as long as they can. */
const IN_MINUTES = 120;

function leftInWords(milliseconds: number): string {
  const seconds = Math.ceil(milliseconds / 1_000);
  return formatRemaining(seconds < IN_MINUTES ? seconds : seconds - (seconds % 60));
}

/** Until when the words of a soak that ends at `endsAt`, told at `now` before it, stay as they are. */
export function soakWordsLastUntil(endsAt: Date, now: Date): Date {
  const seconds = Math.ceil((endsAt.getTime() - now.getTime()) / 1_000);
  const last = seconds < IN_MINUTES ? seconds : seconds - (seconds % 60);
  return new Date(endsAt.getTime() - (last - 1) * 1_000);
}

/**
 * Passes when the artifact's last successful deployment to every destination of the source environment is at least the
 * configured seconds old. `deployments` has one entry per destination; undefined: nothing is known of the environment.
 * Throws on a date that is none; the evaluator turns that into a block.
 */
export function evaluateSoakTime(
  config: SoakTimeConfig,
  deployments: readonly SourceDeployment[] | undefined,
  now: Date,
): RuleVerdict {
  const { sourceEnvironment: source, durationSeconds } = config;
  if (!(durationSeconds > 0)) return block(`the soak duration ${durationSeconds} is not more than 0`);
  if (!deployments) return block(`nothing is known of deployments to ${source}`);
  if (deployments.length === 0) return block(`${source} has no destinations`);

  const missing = deployments.filter(({ lastSucceededAt }) => lastSucceededAt === null);
  if (missing.length > 0) {
    const names = missing.map(({ destinationName }) => destinationName).join(', ');
    return block(`not deployed to ${source} (${names}) yet`);
  }

  const latest = Math.max(
    ...deployments.map(({ lastSucceededAt }) => lastSucceededAt?.getTime() ?? Number.NaN),
  );
  const endsAt = new Date(latest + durationSeconds * 1_000);
  const total = formatDuration(durationSeconds);
  if (endsAt.getTime() <= now.getTime()) return pass(`soaked ${total} in ${source}`);

  const left = leftInWords(endsAt.getTime() - now.getTime());
  return block(`${left} left of ${total} in ${source}, ends ${formatInstant(endsAt)}`, endsAt);
}
