import type { MessageInitShape } from '@bufbuild/protobuf';
import type { PolicyConfig, PolicyType } from '#domain/policy/policy.ts';
import { validatePolicy } from '#domain/policy/validate.ts';
import { formatDuration, parseDuration } from '#domain/time/duration.ts';
import type { CreatePolicyRequestSchema, Policy } from '#src/gen/forest/v1/policies_pb.ts';
import { PolicyType as WireType } from '#src/gen/forest/v1/policies_pb.ts';
import type { DescribedError } from '#src/lib/errors.ts';
import { policyTypeOf } from './policy-types.ts';

/** The form's values as typed. Switching the type keeps the values of the other types' fields. */
export interface PolicyDraft {
  readonly name: string;
  /** Empty until one is chosen. */
  readonly type: PolicyType | '';
  readonly sourceEnvironment: string;
  readonly targetEnvironment: string;
  readonly duration: string;
  /** Whether the soak goes on when newer builds are deployed. */
  readonly newerBuildsCount: boolean;
  readonly branchPattern: string;
  readonly requiredApprovals: string;
}

/** Problems by field; `form` holds those of the whole form. */
export type PolicyProblems = Readonly<Partial<Record<keyof PolicyDraft | 'form', string>>>;

export const emptyPolicyDraft: PolicyDraft = {
  name: '',
  type: '',
  sourceEnvironment: '',
  targetEnvironment: '',
  duration: '',
  newerBuildsCount: false,
  branchPattern: '',
  requiredApprovals: '1',
};

/** A policy as form values; null for an unknown type. */
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
        newerBuildsCount: config.value.newerBuildsCount ?? false,
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

type TypedDraft = PolicyDraft & { readonly type: PolicyType };

const isTyped = (draft: PolicyDraft): draft is TypedDraft => draft.type !== '';

/** The draft as a domain config. An unreadable duration or number becomes NaN, which no rule accepts. */
function configOf(draft: TypedDraft): PolicyConfig {
  const { type, sourceEnvironment, targetEnvironment, newerBuildsCount, branchPattern } = draft;
  switch (type) {
    case 'soak_time': {
      const duration = parseDuration(draft.duration);
      const durationSeconds = duration.ok ? duration.seconds : Number.NaN;
      return { type, sourceEnvironment, targetEnvironment, durationSeconds, newerBuildsCount };
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
  newer_builds_count: 'newerBuildsCount',
  branch_pattern: 'branchPattern',
  required_approvals: 'requiredApprovals',
};

/** The form's field for a contract path such as `soak_time.duration_seconds`. */
function draftField(path: string): keyof PolicyDraft | undefined {
  return draftFields[path.slice(path.lastIndexOf('.') + 1)];
}

export interface PolicyFormContext {
  readonly environments: readonly string[];
  /** Null when the pattern compiles, else the reason; called for branch restrictions only. */
  readonly compiles: (pattern: string) => string | null;
}

/** Validates a draft with the rules shared with the server; null when it has no problems. */
export function draftProblems(draft: PolicyDraft, context: PolicyFormContext): PolicyProblems | null {
  const problems: Partial<Record<keyof PolicyDraft, string>> = {};
  if (!isTyped(draft)) {
    const { name } = draftProblems({ ...draft, type: 'approval' }, context) ?? {};
    return { ...(name && { name }), type: 'Choose a type' };
  }
  for (const { field, message } of validatePolicy({ name: draft.name, config: configOf(draft) }, context)) {
    const at = draftField(field);
    if (at) problems[at] ??= message;
  }
  if (draft.type === 'soak_time') {
    const duration = parseDuration(draft.duration);
    // The parser's message is more helpful than the rule about NaN.
    if (!duration.ok) problems.duration = duration.reason;
  }
  return Object.keys(problems).length > 0 ? problems : null;
}

/** A refusal's messages by field; messages without a field of this form go to `form`. */
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

const fieldNames: readonly (readonly [field: keyof PolicyDraft, name: string])[] = [
  ['sourceEnvironment', 'source environment'],
  ['targetEnvironment', 'target environment'],
  ['duration', 'soak duration'],
  ['newerBuildsCount', 'keep counting when newer builds are deployed'],
  ['branchPattern', 'branch pattern'],
  ['requiredApprovals', 'required approvals'],
];

/** What differs between two versions of a policy: `required approvals 2 → 3`. Empty when nothing does. */
export function policyChanges(before: PolicyDraft, after: PolicyDraft): string {
  const text = (value: string | boolean) => (value === true ? 'yes' : value === false ? 'no' : value);
  return fieldNames
    .filter(([field]) => before[field] !== after[field])
    .map(([field, name]) => `${name} ${text(before[field])} → ${text(after[field])}`)
    .join(', ');
}

/** The problems of fields that have not been changed since the attempt. */
export function unchangedProblems(
  problems: PolicyProblems,
  attempted: PolicyDraft,
  draft: PolicyDraft,
): PolicyProblems {
  const unchanged = Object.entries(problems).filter(([field]) => {
    const key = field as keyof PolicyDraft;
    return field === 'form' || attempted[key] === draft[key];
  });
  return Object.fromEntries(unchanged);
}

type WireConfig = NonNullable<MessageInitShape<typeof CreatePolicyRequestSchema>['config']>;

/** The `config` of a create or update request, for a draft without problems. */
export function wireConfig(draft: PolicyDraft): WireConfig {
  if (!isTyped(draft)) return { case: undefined };
  const config = configOf(draft);
  switch (config.type) {
    case 'soak_time': {
      const { type: _, durationSeconds, ...rest } = config;
      return { case: 'soakTime', value: { ...rest, durationSeconds: BigInt(durationSeconds) } };
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

export const wireTypes: Readonly<Record<PolicyDraft['type'], WireType>> = {
  '': WireType.UNSPECIFIED,
  soak_time: WireType.SOAK_TIME,
  branch_restriction: WireType.BRANCH_RESTRICTION,
  approval: WireType.EXTERNAL_APPROVAL,
};
