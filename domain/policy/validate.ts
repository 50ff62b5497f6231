import type { FieldProblem } from '#domain/problem.ts';
import { MAX_DURATION_SECONDS } from '#domain/time/duration.ts';
import type { PolicyConfig } from './policy.ts';

/** In code points, as the wire's validation counts them. */
const MAX_POLICY_NAME_LENGTH = 100;
const MAX_BRANCH_PATTERN_LENGTH = 500;
const MAX_REQUIRED_APPROVALS = 100;

export interface PolicyContext {
  /** Names of the organisation's environments. */
  readonly environments: readonly string[];
  /** Null when the pattern compiles (RE2 syntax) and is not too large, else the reason. */
  readonly compiles: (pattern: string) => string | null;
}

const lengthOf = (text: string): number => [...text].length;

function nameProblem(name: string): string | null {
  if (name.trim() === '') return 'Enter a name';
  if (lengthOf(name) > MAX_POLICY_NAME_LENGTH) {
    return `The name must be at most ${MAX_POLICY_NAME_LENGTH} characters, not ${lengthOf(name)}`;
  }
  if (name !== name.trim()) return 'The name must not begin or end with a space';
  if (/\p{Cc}/u.test(name)) return 'The name must not contain line breaks, tabs or other control characters';
  // The name is a segment of the policy's URL, where these two have a special meaning.
  if (name === '.' || name === '..') return `"${name}" is not a valid name`;
  return null;
}

function environmentProblem(what: string, name: string, known: readonly string[]): string | null {
  if (name === '') return `Choose the ${what} environment`;
  return known.includes(name) ? null : `This organisation has no environment "${name}"`;
}

function soakDurationProblem(seconds: number): string | null {
  if (!Number.isInteger(seconds)) return 'The soak duration must be a whole number of seconds';
  if (seconds <= 0) return 'The soak duration must be more than 0';
  return seconds > MAX_DURATION_SECONDS ? 'The soak duration must be at most 365 days' : null;
}

function patternProblem(pattern: string, compiles: PolicyContext['compiles']): string | null {
  if (pattern === '') return 'Enter a branch pattern, such as ^main$';
  if (lengthOf(pattern) > MAX_BRANCH_PATTERN_LENGTH) {
    return `The pattern must be at most ${MAX_BRANCH_PATTERN_LENGTH} characters, not ${lengthOf(pattern)}`;
  }
  const why = compiles(pattern);
  return why === null ? null : `The pattern is invalid: ${why}`;
}

function configProblems(
  config: PolicyConfig,
  context: PolicyContext,
): [field: string, message: string | null][] {
  const target = environmentProblem('target', config.targetEnvironment, context.environments);
  switch (config.type) {
    case 'soak_time': {
      const { sourceEnvironment: source } = config;
      const same = source !== '' && source === config.targetEnvironment;
      return [
        [
          'soak_time.source_environment',
          environmentProblem('source', source, context.environments) ??
            (same ? 'Source and target environment must differ' : null),
        ],
        ['soak_time.target_environment', target],
        ['soak_time.duration_seconds', soakDurationProblem(config.durationSeconds)],
      ];
    }
    case 'branch_restriction':
      return [
        ['branch_restriction.target_environment', target],
        ['branch_restriction.branch_pattern', patternProblem(config.branchPattern, context.compiles)],
      ];
    case 'approval': {
      const { requiredApprovals: required } = config;
      const inRange = Number.isInteger(required) && required >= 1 && required <= MAX_REQUIRED_APPROVALS;
      return [
        ['approval.target_environment', target],
        [
          'approval.required_approvals',
          inRange ? null : `Required approvals must be a whole number from 1 to ${MAX_REQUIRED_APPROVALS}`,
        ],
      ];
    }
  }
}

/**
 * All problems of a policy as typed, by field; empty when it can be saved. Form and server share this check; the server also
 * checks that the name is unique in the project.
 */
export function validatePolicy(
  input: { readonly name: string; readonly config: PolicyConfig },
  context: PolicyContext,
): FieldProblem[] {
  const found: [field: string, message: string | null][] = [
    ['name', nameProblem(input.name)],
    ...configProblems(input.config, context),
  ];
  return found.flatMap(([field, message]) => (message === null ? [] : [{ field, message }]));
}
