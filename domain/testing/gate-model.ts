import type { Role } from '#domain/approval/vote.ts';
import {
  DESTINATIONS,
  type Happening,
  NAMES,
  PATTERNS,
  type Rule,
  type Setting,
  startedWith,
  USERS,
  type User,
} from './gate-world.ts';

/**
 * The gate's rules a second time, as sentences about the log of what happened: slow, without state, and sharing nothing
 * with the implementation that it is held against.
 */

const roleNow = (log: readonly Happening[], user: User): Role | null => {
  const changed = log.findLast((event) => event.is === 'role' && event.user === user);
  return changed?.is === 'role' ? changed.role : startedWith(user);
};

const markNow = (log: readonly Happening[], user: User): string | null => {
  const voted = log.findLast((event) => event.is === 'vote' && event.user === user);
  return voted?.is === 'vote' ? voted.mark : null;
};

/** The rules in force for production: last written, not deleted since, and not switched off since they came to be. */
export function rulesInForce(log: readonly Happening[]): Rule[] {
  return NAMES.flatMap((name) => {
    const life = log.slice(log.findLastIndex((event) => event.is === 'delete' && event.name === name) + 1);
    const born = life.findIndex((event) => event.is === 'policy' && event.name === name);
    if (born === -1) return [];
    const written = life.findLast((event) => event.is === 'policy' && event.name === name);
    const switched = life.slice(born).findLast((event) => event.is === 'switch' && event.name === name);
    if (written?.is !== 'policy' || written.environment !== 'production') return [];
    return switched?.is === 'switch' && !switched.on ? [] : [written.rule];
  });
}

/** "A vote counts while its user is a member of the organisation and no author of the release." */
export function approvers(log: readonly Happening[], { authors }: Setting): User[] {
  return USERS.filter(
    (user) => !authors.includes(user) && roleNow(log, user) !== null && markNow(log, user) === 'approve',
  );
}

/** Whether a rule in force lets the release pass at `now`. */
export function holds(rule: Rule, log: readonly Happening[], setting: Setting, now: Date): boolean {
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
      const youngest = now.getTime() - rule.seconds * 1_000;
      return DESTINATIONS.every((destination) => {
        const arrivals = log.filter((event) => event.is === 'deployed' && event.destination === destination);
        return arrivals.length > 0 && arrivals.every(({ at }) => at <= youngest);
      });
    }
  }
}

/** Whether the gate of production is open. */
export function isOpen(log: readonly Happening[], setting: Setting, now: Date): boolean {
  return !rulesInForce(log).some((rule) => !holds(rule, log, setting, now));
}
