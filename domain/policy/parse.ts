import type { PolicyConfig, UnreadableConfig } from './policy.ts';

/** A key that only a later version knows can make a rule stricter, so it is never ignored. */
const KNOWN_KEYS: ReadonlyMap<string, readonly string[]> = new Map([
  ['soak_time', ['type', 'sourceEnvironment', 'targetEnvironment', 'durationSeconds', 'newerBuildsCount']],
  ['branch_restriction', ['type', 'targetEnvironment', 'branchPattern']],
  ['approval', ['type', 'targetEnvironment', 'requiredApprovals']],
]);

const unreadable = (detail: string): UnreadableConfig => ({ type: 'unreadable', detail });

/**
 * Parses a stored config of the stored type. An unknown type and a missing or invalid field give an unreadable config, which
 * blocks (fail closed).
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
  const known = KNOWN_KEYS.get(type);
  const unknown = known && [...fields.keys()].find((name) => !known.includes(name));
  if (unknown !== undefined) return unreadable(`this version does not know "${unknown}"`);
  const targetEnvironment = text('targetEnvironment');
  if (targetEnvironment === null) return unreadable('no target environment');
  switch (type) {
    case 'soak_time': {
      const sourceEnvironment = text('sourceEnvironment');
      const durationSeconds = whole('durationSeconds');
      if (sourceEnvironment === null || durationSeconds === null)
        return unreadable('no source environment or duration');
      const newerBuildsCount = fields.get('newerBuildsCount') ?? false;
      if (typeof newerBuildsCount !== 'boolean')
        return unreadable('whether newer builds count is not true or false');
      return { type, sourceEnvironment, targetEnvironment, durationSeconds, newerBuildsCount };
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
