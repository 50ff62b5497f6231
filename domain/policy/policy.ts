export type PolicyType = 'soak_time' | 'branch_restriction' | 'approval';

export interface SoakTimeConfig {
  readonly type: 'soak_time';
  readonly sourceEnvironment: string;
  readonly targetEnvironment: string;
  /** Seconds, more than 0. */
  readonly durationSeconds: number;
  /** Whether the soak goes on when newer builds are deployed to the source environment. */
  readonly newerBuildsCount: boolean;
}

export interface BranchRestrictionConfig {
  readonly type: 'branch_restriction';
  readonly targetEnvironment: string;
  /** RE2 syntax; matches anywhere in the branch name unless it is anchored. */
  readonly branchPattern: string;
}

export interface ApprovalConfig {
  readonly type: 'approval';
  readonly targetEnvironment: string;
  /** 1 to 100. */
  readonly requiredApprovals: number;
}

export type PolicyConfig = SoakTimeConfig | BranchRestrictionConfig | ApprovalConfig;

/** A stored policy that this version cannot parse. It blocks its environment (fail closed), with `detail` as the reason. */
export interface UnreadableConfig {
  readonly type: 'unreadable';
  readonly detail: string;
}

/** A project's named rule for one target environment. */
export interface Policy {
  readonly id: string;
  readonly name: string;
  readonly enabled: boolean;
  /** Outside of the config, so that an unreadable config still blocks the right environment. */
  readonly targetEnvironment: string;
  readonly config: PolicyConfig | UnreadableConfig;
}
