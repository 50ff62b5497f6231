import { Badge } from '#src/components/badge.tsx';
import { Countdown } from '#src/components/countdown.tsx';
import { Reason } from '#src/components/reason.tsx';
import { type PolicyEvaluation, PolicyType } from '#src/gen/forest/v1/policies_pb.ts';
import { missingWords } from './effect-words.ts';
import { typeWords } from './requirements-view.ts';

/**
 * One policy's verdict: what kind of rule, its name, and the server's reason. `open` says whether the verdict still decides
 * anything: afterwards nothing waits for it.
 */
export function EvaluationRow({
  evaluation,
  author,
  open,
}: {
  readonly evaluation: PolicyEvaluation;
  /** Who asked for the release. */
  readonly author: string;
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
      {open && !evaluation.passed && <Missing evaluation={evaluation} author={author} />}
    </li>
  );
}

/** What would let the policy pass, and who can supply it: people, time, or nobody for this build. */
function Missing({ evaluation, author }: { readonly evaluation: PolicyEvaluation; readonly author: string }) {
  const words = missingWords(evaluation, author);
  if (words) return <p className="w-full wrap-anywhere">{words}</p>;
  if (evaluation.policyType === PolicyType.SOAK_TIME && evaluation.nextCheckAt) {
    return (
      <p className="w-full empty:hidden">
        <Countdown until={evaluation.nextCheckAt} before="Passes by itself in " />
      </p>
    );
  }
  if (evaluation.policyType !== PolicyType.BRANCH_RESTRICTION) return null;
  return (
    <p className="w-full text-muted">
      No vote and no wait changes this: it takes a build of another branch, or another policy.
    </p>
  );
}

function reasonWords(evaluation: PolicyEvaluation): string {
  if (evaluation.reason) return evaluation.reason;
  return evaluation.passed ? 'passed' : 'blocked';
}
