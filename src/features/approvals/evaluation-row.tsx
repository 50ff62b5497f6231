import { Badge, type BadgeTone } from '#src/components/badge.tsx';
import { Countdown } from '#src/components/countdown.tsx';
import { Reason } from '#src/components/reason.tsx';
import { UserText } from '#src/components/user-text.tsx';
import { type PolicyEvaluation, PolicyType } from '#src/gen/forest/v1/policies_pb.ts';
import { missingLabel } from './ballot-labels.ts';
import { countOf, typeLabel } from './requirements-view.ts';

export interface EvaluationRowProps {
  readonly evaluation: PolicyEvaluation;
  /** Names the authors of the release. */
  readonly author: string;
  /** Whether the verdict still decides anything. */
  readonly open: boolean;
  /** Whether an approval passes by a bypass. */
  readonly bypassed: boolean;
}

/** Red is for what neither people nor time can change for this build. */
const BLOCKED_TONES = new Map<PolicyType, BadgeTone>([
  [PolicyType.HOLD, 'waiting'],
  [PolicyType.SOAK_TIME, 'time'],
]);

/** The time left when the verdict was given; the countdown has the time left now. */
const TIME_LEFT = /^.*? left of /;

/** One policy's verdict: its type, its name, the server's reason, and what would let it pass. */
export function EvaluationRow({ evaluation, author, open, bypassed }: EvaluationRowProps) {
  const { passed, policyType, policyName, reason } = evaluation;
  const blocked = BLOCKED_TONES.get(policyType) ?? 'blocked';
  const soaks = open && !passed && policyType === PolicyType.SOAK_TIME && evaluation.nextCheckAt;
  const approves = policyType === PolicyType.EXTERNAL_APPROVAL;
  return (
    <li className="flex min-w-0 flex-wrap items-baseline gap-x-2 gap-y-0.5 text-sm">
      <Badge tone={approves ? 'neutral' : passed ? 'passed' : open ? blocked : 'neutral'}>
        {typeLabel(policyType)}
      </Badge>
      <span className="min-w-0 font-medium wrap-anywhere">
        <UserText>{policyName}</UserText>
      </span>
      {approves && (
        // A bypass is no approval: what passes by one is not green.
        <Badge tone={bypassed ? 'neutral' : passed ? 'passed' : open ? 'waiting' : 'neutral'}>
          {`${countOf(evaluation).replace(' of ', '/')} approvals`}
        </Badge>
      )}
      {approves && bypassed && <Badge tone="bypassed">Bypassed</Badge>}
      {!approves && (
        <span className="min-w-0 text-muted wrap-anywhere">
          <Reason>
            {(soaks ? reason.replace(TIME_LEFT, '') : reason) || (passed ? 'passed' : 'blocked')}
          </Reason>
          {soaks && <Countdown until={soaks} before=" (" after=" left)" />}
        </span>
      )}
      {open && !passed && <Missing evaluation={evaluation} author={author} />}
    </li>
  );
}

function Missing({ evaluation, author }: { readonly evaluation: PolicyEvaluation; readonly author: string }) {
  const missing = missingLabel(evaluation, author);
  if (missing) {
    return (
      <p className="w-full wrap-anywhere">
        <UserText>{missing}</UserText>
      </p>
    );
  }
  if (evaluation.policyType !== PolicyType.BRANCH_RESTRICTION) return null;
  return (
    <p className="w-full text-muted">
      Approvals and waiting won't clear this. Release a build from an allowed branch, or change the policy.
    </p>
  );
}
