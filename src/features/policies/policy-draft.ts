import type { MessageInitShape } from '@bufbuild/protobuf';
import type { PolicyConfig, PolicyType } from '#domain/policy/policy.ts';
import { validatePolicy } from '#domain/policy/validate.ts';
import { formatDuration, parseDuration } from '#domain/time/duration.ts';
import type { CreatePolicyRequestSchema, Policy } from '#src/gen/forest/v1/policies_pb.ts';
import { PolicyType as WireType } from '#src/gen/forest/v1/policies_pb.ts';
import type { DescribedError } from '#src/lib/errors.ts';
import { policyTypeOf } from './policy-kinds.ts';

/** What stands in the policy editor, as typed. Fields of the types not chosen keep what was typed in them. */
export interface PolicyDraft {
  readonly name: string;
  readonly type: PolicyType;
  readonly sourceEnvironment: string;
  readonly targetEnvironment: string;
  readonly duration: string;
  readonly branchPattern: string;
  readonly requiredApprovals: string;
}

/** What is wrong, by the field of the form; `form` is what belongs to none of them. */
export type PolicyProblems = Readonly<Partial<Record<keyof PolicyDraft | 'form', string>>>;

export const emptyPolicyDraft: PolicyDraft = {
  name: '',
  type: 'soak_time',
  sourceEnvironment: '',
  targetEnvironment: '',
  duration: '',
  branchPattern: '',
  requiredApprovals: '1',
};

/** A policy as the editor shows it; null for one of a kind that this dashboard does not know. */
export function draftOf(policy: Policy): PolicyDraft | null {
  const type = policyTypeOf(policy);
  const { config } = policy;
  if (!type) return null;
  const start = { ...emptyPolicyDraft, name: policy.name, type };
  switch (config.case) {
    case 'soakTime': {
      const { sourceEnvironment, targetEnvironment, durationSeconds } = config.value;
      return {
        ...start,
        sourceEnvironment,
        targetEnvironment,
        duration: formatDuration(Number(durationSeconds)),
      };
    }
    case 'branchRestriction': {
      const { targetEnvironment, branchPattern } = config.value;
      return { ...start, targetEnvironment, branchPattern };
    }
    case 'approval': {
      const { targetEnvironment, requiredApprovals } = config.value;
      return { ...start, targetEnvironment, requiredApprovals: String(requiredApprovals) };
    }
    default:
      return null;
  }
}

/** The draft as the domain knows it. A duration or number that cannot be read becomes NaN, which no rule accepts. */
function configOf(draft: PolicyDraft): PolicyConfig {
  const { type, sourceEnvironment, targetEnvironment, branchPattern } = draft;
  switch (type) {
    case 'soak_time': {
      const duration = parseDuration(draft.duration);
      const durationSeconds = duration.ok ? duration.seconds : Number.NaN;
      return { type, sourceEnvironment, targetEnvironment, durationSeconds };
    }
    case 'branch_restriction':
      return { type, targetEnvironment, branchPattern };
    case 'approval': {
      const text = draft.requiredApprovals.trim();
      return { type, targetEnvironment, requiredApprovals: /^\d+$/.test(text) ? Number(text) : Number.NaN };
    }
  }
}

const draftFields: Readonly<Record<string, keyof PolicyDraft>> = {
  name: 'name',
  policy_type: 'type',
  source_environment: 'sourceEnvironment',
  target_environment: 'targetEnvironment',
  duration_seconds: 'duration',
  branch_pattern: 'branchPattern',
  required_approvals: 'requiredApprovals',
};

/** The form's field for a path of the contract, such as `soak_time.duration_seconds`. */
function draftField(path: string): keyof PolicyDraft | undefined {
  return draftFields[path.slice(path.lastIndexOf('.') + 1)];
}

export interface PolicyFormContext {
  readonly environments: readonly string[];
  /** Null when the pattern compiles, else why it does not; asked for branch restrictions only. */
  readonly compiles: (pattern: string) => string | null;
}

/** What the rules shared with the server say against the draft; null when nothing. */
export function draftProblems(draft: PolicyDraft, context: PolicyFormContext): PolicyProblems | null {
  const problems: Partial<Record<keyof PolicyDraft, string>> = {};
  for (const { field, message } of validatePolicy({ name: draft.name, config: configOf(draft) }, context)) {
    const at = draftField(field);
    if (at) problems[at] ??= message;
  }
  if (draft.type === 'soak_time') {
    const duration = parseDuration(draft.duration);
    // The reason why the text cannot be read helps more than the rule about numbers.
    if (!duration.ok) problems.duration = duration.reason;
  }
  return Object.keys(problems).length > 0 ? problems : null;
}

/** Where the words of a refused save belong: at their fields, and what has none at the form. */
export function refusalProblems(refusal: DescribedError): PolicyProblems {
  const problems: Partial<Record<keyof PolicyDraft | 'form', string>> = {};
  const elsewhere: string[] = [...refusal.otherProblems];
  for (const [path, message] of Object.entries(refusal.fieldErrors)) {
    const at = draftField(path);
    if (at) problems[at] ??= message;
    else elsewhere.push(`${path}: ${message}`);
  }
  if (elsewhere.length > 0) problems.form = elsewhere.join('; ');
  else if (Object.keys(problems).length === 0) problems.form = refusal.message;
  return problems;
}

type WireConfig = NonNullable<MessageInitShape<typeof CreatePolicyRequestSchema>['config']>;

/** The `config` of a create or update request. Call it for drafts without problems. */
export function wireConfig(draft: PolicyDraft): WireConfig {
  const config = configOf(draft);
  switch (config.type) {
    case 'soak_time': {
      const { sourceEnvironment, targetEnvironment, durationSeconds } = config;
      return {
        case: 'soakTime',
        value: { sourceEnvironment, targetEnvironment, durationSeconds: BigInt(durationSeconds) },
      };
    }
    case 'branch_restriction':
      return {
        case: 'branchRestriction',
        value: { targetEnvironment: config.targetEnvironment, branchPattern: config.branchPattern },
      };
    case 'approval':
      return {
        case: 'approval',
        value: { targetEnvironment: config.targetEnvironment, requiredApprovals: config.requiredApprovals },
      };
  }
}

/** The type as it stands on the wire. */
export const wireTypes: Readonly<Record<PolicyType, WireType>> = {
  soak_time: WireType.SOAK_TIME,
  branch_restriction: WireType.BRANCH_RESTRICTION,
  approval: WireType.EXTERNAL_APPROVAL,
};
