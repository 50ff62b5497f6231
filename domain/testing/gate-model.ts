import type { Role } from '#domain/approval/vote.ts';
import {
  DESTINATIONS,
  type Event,
  NAMES,
  PATTERNS,
  type Rule,
  type Setting,
  startedWith,
  USERS,
  type User,
} from './gate-world.ts';

/**
 * A second, stateless implementation of the gate's rules over the log of events. It shares no code with the implementation that
 * the property tests compare it with.
 */

const roleNow = (log: readonly Event[], user: User): Role | null => {
  const changed = log.findLast((event) => event.is === 'role' && event.user === user);
  return changed?.is === 'role' ? changed.role : startedWith(user);
};

const markNow = (log: readonly Event[], user: User): string | null => {
  const voted = log.findLast((event) => event.is === 'vote' && event.user === user);
  return voted?.is === 'vote' ? voted.mark : null;
};

/** The enabled rules of production: as last written, unless they were deleted or disabled later. */
export function enabledRules(log: readonly Event[]): Rule[] {
  return NAMES.flatMap((name) => {
    const sinceDeletion = log.slice(
      log.findLastIndex((event) => event.is === 'delete' && event.name === name) + 1,
    );
    const created = sinceDeletion.findIndex((event) => event.is === 'policy' && event.name === name);
    if (created === -1) return [];
    const written = sinceDeletion.findLast((event) => event.is === 'policy' && event.name === name);
    const switched = sinceDeletion
      .slice(created)
      .findLast((event) => event.is === 'switch' && event.name === name);
    if (written?.is !== 'policy' || written.environment !== 'production') return [];
    return switched?.is === 'switch' && !switched.on ? [] : [written.rule];
  });
}

/** "A vote counts while its user is a member of the organisation and no author of the release." */
export function approvers(log: readonly Event[], { authors }: Setting): User[] {
  return USERS.filter(
    (user) => !authors.includes(user) && roleNow(log, user) !== null && markNow(log, user) === 'approve',
  );
}

/** Whether the release meets a rule at `now`. */
export function isMet(rule: Rule, log: readonly Event[], setting: Setting, now: Date): boolean {
  switch (rule.is) {
    case 'unreadable':
      return false;
    case 'branch':
      return PATTERNS[rule.pattern].some((branch) => branch === setting.branch);
    case 'approval':
      return (
        USERS.some((user) => roleNow(log, user) === 'admin' && markNow(log, user) === 'bypass') ||
        approvers(log, setting).length >= rule.required
      );
    case 'soak': {
      const latest = now.getTime() - rule.seconds * 1_000;
      return DESTINATIONS.every((destination) => {
        const first = log.find((event) => event.is === 'deployed' && event.destination === destination);
        return first !== undefined && first.at <= latest;
      });
    }
  }
}

/** Whether the gate of production is open. */
export function isOpen(log: readonly Event[], setting: Setting, now: Date): boolean {
  return enabledRules(log).every((rule) => isMet(rule, log, setting, now));
}
