import type { EnvironmentRequirements } from '#src/gen/forest/v1/policies_pb.ts';
import { listOf } from './ballot-labels.ts';
import { approvalsOf } from './requirements-view.ts';

/** What a bypass skips in this environment, as a sentence. */
export function skippedLabel(environment: EnvironmentRequirements): string {
  const approvals = approvalsOf(environment)
    .filter((one) => !one.passed && one.approvalState)
    .map((one) => {
      const current = one.approvalState?.currentApprovals ?? 0;
      const required = one.approvalState?.requiredApprovals ?? 0;
      const missing = Math.max(required - current, 0);
      const noun = required === 1 ? 'approval' : 'approvals';
      return `${missing} of ${required} ${noun} for ${environment.environment}`;
    });
  if (approvals.length === 0) return `No approvals for ${environment.environment} are missing.`;
  return `This skips ${listOf(approvals, 'and')}.`;
}
