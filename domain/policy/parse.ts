import type { PolicyConfig, UnreadableConfig } from './policy.ts';

const unreadable = (detail: string): UnreadableConfig => ({ type: 'unreadable', detail });

/**
 * Reads a stored config of the stored type. Whatever does not fit exactly (an unknown type, a missing or wrong field)
 * becomes an unreadable config, which blocks: nothing of these passes (fail closed).
 */
export function parsePolicyConfig(type: string, stored: unknown): PolicyConfig | UnreadableConfig {
  if (typeof stored !== 'object' || stored === null) return unreadable('the config is not an object');
  const fields = new Map(Object.entries(stored));
  const text = (name: string): string | null => {
    const value: unknown = fields.get(name);
    return typeof value === 'string' && value !== '' ? value : null;
  };
  const whole = (name: string): number | null => {
    const value: unknown = fields.get(name);
    return typeof value === 'number' && Number.isSafeInteger(value) && value > 0 ? value : null;
  };
  const targetEnvironment = text('targetEnvironment');
  if (targetEnvironment === null) return unreadable('no target environment');
  switch (type) {
    case 'soak_time': {
      const sourceEnvironment = text('sourceEnvironment');
      const durationSeconds = whole('durationSeconds');
      if (sourceEnvironment === null || durationSeconds === null)
        return unreadable('no source environment or duration');
      return { type, sourceEnvironment, targetEnvironment, durationSeconds };
    }
    case 'branch_restriction': {
      const branchPattern = text('branchPattern');
      return branchPattern === null
        ? unreadable('no branch pattern')
        : { type, targetEnvironment, branchPattern };
    }
    case 'approval': {
      const requiredApprovals = whole('requiredApprovals');
      if (requiredApprovals === null) return unreadable('no number of required approvals');
      return { type, targetEnvironment, requiredApprovals };
    }
    default:
      return unreadable(`unknown policy type "${type}"`);
  }
}
