/** What a policy is: a project's named rule for one target environment. Words and limits: the gate's rules. */

export type PolicyType = 'soak_time' | 'branch_restriction' | 'approval';

export interface SoakTimeConfig {
  readonly type: 'soak_time';
  readonly sourceEnvironment: string;
  readonly targetEnvironment: string;
  /** Seconds, more than 0. */
  readonly durationSeconds: number;
}

export interface BranchRestrictionConfig {
  readonly type: 'branch_restriction';
  readonly targetEnvironment: string;
  /** RE2 syntax; matches anywhere in the branch's name unless it is anchored. */
  readonly branchPattern: string;
}

export interface ApprovalConfig {
  readonly type: 'approval';
  readonly targetEnvironment: string;
  /** 1 to 100. */
  readonly requiredApprovals: number;
}

export type PolicyConfig = SoakTimeConfig | BranchRestrictionConfig | ApprovalConfig;

/** A stored policy that this version cannot read. It blocks its environment (fail closed) and says what is wrong. */
export interface UnreadableConfig {
  readonly type: 'unreadable';
  readonly detail: string;
}

export interface Policy {
  readonly id: string;
  readonly name: string;
  readonly enabled: boolean;
  /** Stands beside the config, so that an unreadable config still blocks the right environment. */
  readonly targetEnvironment: string;
  readonly config: PolicyConfig | UnreadableConfig;
}
