import { type PolicyEvaluation, PolicyType } from '#src/gen/forest/v1/policies_pb.ts';

export interface ForecastLine {
  readonly environment: string;
  readonly policy: string;
  readonly reason: string;
}

export interface PendingLine extends ForecastLine {
  /** Such as `2 approvals` or `soak time`. */
  readonly requirement: string;
}

/** What the policies would do to a release that is requested now. */
export interface Forecast {
  /** Rules that only another build or another policy can satisfy: the server would refuse the release. */
  readonly forbidden: readonly ForecastLine[];
  /** What the release would wait for: approvals and time. */
  readonly pending: readonly PendingLine[];
}

/** Sorts the blocked evaluations of a dry run. Unknown policy types forbid the release. */
export function forecast(evaluations: readonly PolicyEvaluation[]): Forecast {
  const forbidden: ForecastLine[] = [];
  const pending: PendingLine[] = [];
  for (const evaluation of evaluations) {
    if (evaluation.passed) continue;
    const line = { environment: evaluation.targetEnvironment, policy: evaluation.policyName };
    switch (evaluation.policyType) {
      case PolicyType.EXTERNAL_APPROVAL:
        pending.push({ ...line, requirement: approvalsRequired(evaluation), reason: '' });
        break;
      case PolicyType.SOAK_TIME:
        // A pipeline may deploy to the source environment first, so a soak never forbids.
        pending.push({ ...line, requirement: 'soak time', reason: evaluation.reason });
        break;
      default:
        forbidden.push({ ...line, reason: evaluation.reason });
    }
  }
  return { forbidden, pending };
}

function approvalsRequired(evaluation: PolicyEvaluation): string {
  const required = evaluation.approvalState?.requiredApprovals ?? 0;
  if (required < 1) return 'approvals';
  return required === 1 ? '1 approval' : `${required} approvals`;
}
