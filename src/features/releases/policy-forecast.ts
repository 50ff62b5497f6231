import { type PolicyEvaluation, PolicyType } from '#src/gen/forest/v1/policies_pb.ts';

export interface ForecastLine {
  readonly environment: string;
  readonly policy: string;
  readonly words: string;
}

/** What a dry run says before a release is asked for. */
export interface Forecast {
  /** Rules that nothing but another artifact or another policy can satisfy: the release would be refused. */
  readonly forbidden: readonly ForecastLine[];
  /** What the release will stop at and can get past: approvals to come, time to pass. */
  readonly toCome: readonly ForecastLine[];
}

/**
 * Sorts a dry run's blocked evaluations. Without a release nobody can have voted, so a blocked approval is only a thing to
 * come, and so is a soak time; a branch rule, or a type this page does not know, forbids.
 */
export function forecast(evaluations: readonly PolicyEvaluation[]): Forecast {
  const forbidden: ForecastLine[] = [];
  const toCome: ForecastLine[] = [];
  for (const evaluation of evaluations) {
    if (evaluation.passed) continue;
    const line = { environment: evaluation.targetEnvironment, policy: evaluation.policyName };
    switch (evaluation.policyType) {
      case PolicyType.EXTERNAL_APPROVAL:
        toCome.push({ ...line, words: approvalsToCome(evaluation) });
        break;
      case PolicyType.SOAK_TIME:
        // A pipeline may deploy to the source first, so what is missing now is told as what it is: something to wait for.
        toCome.push({
          ...line,
          words: evaluation.reason ? `a soak time applies: ${evaluation.reason}` : 'a soak time applies',
        });
        break;
      default:
        forbidden.push({ ...line, words: evaluation.reason });
    }
  }
  return { forbidden, toCome };
}

function approvalsToCome(evaluation: PolicyEvaluation): string {
  const required = evaluation.approvalState?.requiredApprovals ?? 0;
  if (required < 1) return 'approvals will be asked for';
  return required === 1 ? '1 approval will be asked for' : `${required} approvals will be asked for`;
}
