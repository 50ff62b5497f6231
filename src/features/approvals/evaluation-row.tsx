import { Badge } from '#src/components/badge.tsx';
import { Reason } from '#src/components/reason.tsx';
import { type PolicyEvaluation, PolicyType } from '#src/gen/forest/v1/policies_pb.ts';
import { typeWords } from './requirements-view.ts';

/**
 * One policy's verdict: what kind of rule, its name, and the server's reason. `open` says whether the verdict still decides
 * anything: afterwards nothing waits for it.
 */
export function EvaluationRow({
  evaluation,
  open,
}: {
  readonly evaluation: PolicyEvaluation;
  readonly open: boolean;
}) {
  // Approvals can be moved by the people who read this; a branch cannot, and time passes by itself.
  const stops = evaluation.policyType === PolicyType.BRANCH_RESTRICTION ? 'failed' : 'waiting';
  const blocked = open ? stops : 'neutral';
  return (
    <li className="flex min-w-0 flex-wrap items-baseline gap-x-2 gap-y-0.5 text-sm">
      <Badge tone={evaluation.passed ? 'passed' : blocked}>{typeWords(evaluation.policyType)}</Badge>
      <span className="min-w-0 font-medium wrap-anywhere">{evaluation.policyName}</span>
      <span className="min-w-0 text-muted wrap-anywhere">
        <Reason>{reasonWords(evaluation)}</Reason>
      </span>
    </li>
  );
}

function reasonWords(evaluation: PolicyEvaluation): string {
  if (evaluation.reason) return evaluation.reason;
  return evaluation.passed ? 'passed' : 'blocked';
}
