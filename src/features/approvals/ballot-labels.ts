import {
  type ApprovalDecisionEntry,
  type BallotEffect,
  type EnvironmentRequirements,
  type PolicyEvaluation,
  PolicyType,
} from '#src/gen/forest/v1/policies_pb.ts';
import { PipelineRunStageStatus } from '#src/gen/forest/v1/releases_pb.ts';
import { describeError, isUnreachable } from '#src/lib/errors.ts';
import type { Decision } from './use-vote.ts';

/** Up to this many names are listed in a sentence. */
const MAX_NAMES = 4;

/** A decision in a word, with the colour that repeats it. */
export function decisionLabel({ bypass, decision }: Pick<ApprovalDecisionEntry, 'bypass' | 'decision'>): {
  label: string;
  look: string;
} {
  if (bypass) return { label: 'bypassed', look: 'text-failed' };
  return decision === 'approved'
    ? { label: 'approved', look: 'text-passed' }
    : { label: 'rejected', look: 'text-failed' };
}

/** Why a vote was not recorded. */
export function failureMessage(error: unknown, decision: Decision): string {
  const noun = { approved: 'approval', rejected: 'rejection', withdrawn: 'withdrawal' }[decision];
  return isUnreachable(error)
    ? `Can't reach the server. Your ${noun} hasn't been sent. Try again.`
    : `Your ${noun} was not recorded: ${describeError(error).message}`;
}

/** Who can give the missing approvals: `bob or carol`; empty if they are too many to name. */
export function votersLabel({ eligibleVoters, eligibleVoterCount }: PolicyEvaluation): string {
  return eligibleVoterCount <= MAX_NAMES && eligibleVoters.length === eligibleVoterCount
    ? listOf(
        eligibleVoters.map(({ username }) => username),
        'or',
      )
    : '';
}

/**
 * What an approval policy still needs and who can provide it: `1 more approval needed from anyone except alice: bob or
 * carol`. Numbers and names are the server's. Undefined where no vote is missing.
 */
export function missingLabel(evaluation: PolicyEvaluation, author: string): string | undefined {
  const { missingApprovals: missing, eligibleVoterCount: eligible } = evaluation;
  if (evaluation.passed || evaluation.policyType !== PolicyType.EXTERNAL_APPROVAL || missing < 1) {
    return undefined;
  }
  const needed = `${missing} more ${missing === 1 ? 'approval' : 'approvals'} needed`;
  if (eligible === 0) return `${needed}, but no other member can approve`;
  const voters = votersLabel(evaluation);
  const names = voters && `: ${voters}`;
  if (eligible < missing) {
    return `${needed}, but only ${eligible} ${eligible === 1 ? 'member' : 'members'} can approve${names}`;
  }
  return `${needed} from anyone except ${author || 'the author'}${names}`;
}

/**
 * What the caller's approval would do, in a sentence; undefined if they may not approve. Timestamps are RFC 3339 as sent by the
 * server.
 */
export function approvalEffect(environment: EnvironmentRequirements): string | undefined {
  const { approveEffect: effect, evaluations, environment: name } = environment;
  if (!effect) return undefined;
  const { completes, remaining } = effect;
  const own = remaining.find(({ policyType }) => policyType === PolicyType.EXTERNAL_APPROVAL);
  const [, count, required] = /(\d+)\/(\d+)/.exec(own?.reason ?? '') ?? [];
  const soak = evaluations.find((one) => one.policyType === PolicyType.SOAK_TIME && !one.passed);
  const act = own
    ? `is ${count} of ${required}`
    : completes.length === 0
      ? 'is recorded'
      : `completes ${completes.length === 1 ? 'this policy' : 'these policies'}`;
  const wait = own && soak?.nextCheckAt && `${name} also waits for the soak until ${soak.nextCheckAt}`;
  return `${[`Your approval ${act}`, wait, outcomeLabel(effect, environment)].filter(Boolean).join('; ')}.`;
}

/** When the gate opens after a vote, or what still blocks it other than votes and time. */
export function outcomeLabel(
  { opens, opensAt, remaining }: BallotEffect,
  { environment: name, stageStatus }: EnvironmentRequirements,
): string {
  if (opens) {
    const reached = stageStatus !== PipelineRunStageStatus.PENDING;
    return `${name} opens ${reached ? 'at once' : 'once the stages before it are done'}`;
  }
  if (opensAt) return `${name} opens when the soak ends at ${opensAt}`;
  const others = remaining
    .filter(
      ({ policyType }) => policyType !== PolicyType.EXTERNAL_APPROVAL && policyType !== PolicyType.SOAK_TIME,
    )
    .map(({ policyName }) => policyName);
  return others.length === 0
    ? ''
    : `${listOf(others, 'and')} still ${others.length === 1 ? 'blocks' : 'block'}`;
}

/** What the caller's rejection would do, in a sentence. */
export function rejectionEffect({ undoes }: Pick<BallotEffect, 'undoes'>): string {
  return undoes.length === 0
    ? 'A rejection is shown to everyone. It does not block.'
    : `A rejection replaces your approval: ${listOf(undoes, 'and')} ${undoes.length === 1 ? 'blocks' : 'block'} again.`;
}

/** The longest quoted comment, in characters. */
const MAX_QUOTE = 100;

/** The first line of a comment in quotation marks after a colon; empty without one. */
export function quoted(comment: string | undefined): string {
  const line = comment?.trim().split('\n', 1)[0] ?? '';
  const characters = Array.from(line);
  const shown = characters.length > MAX_QUOTE ? `${characters.slice(0, MAX_QUOTE).join('')}…` : line;
  return shown && `: “${shown}”`;
}

/** A sentence with its full stop, unless it or a quotation at its end has one. */
export const fullStop = (text: string): string => (/[.!?…]”?$/.test(text) ? text : `${text}.`);

/** `a`, `a or b`, `a, b or c`. */
export function listOf(names: readonly string[], conjunction: 'and' | 'or'): string {
  const last = names.at(-1) ?? '';
  return names.length < 2 ? last : `${names.slice(0, -1).join(', ')} ${conjunction} ${last}`;
}
