import { isDeepStrictEqual } from 'node:util';
import { voteKey } from './ballots.ts';
import { describeOperation, type Ledger, type Operation } from './ledger.ts';
import type { DatabaseRecord } from './record.ts';
import type { Replayed } from './replay.ts';

/** Returns votes that were lost, duplicated, reordered, or stored differently from the history. */
export function checkVotes(record: DatabaseRecord, replayed: Replayed, ledger: Ledger): string[] {
  const violations: string[] = [];
  const cast = record.history.filter(
    ({ kind }) => kind.startsWith('approval.') && kind !== 'approval.withdrawn',
  );
  const entries = Map.groupBy(cast, ({ after }) => String(after?.['comment']));
  const sent = Map.groupBy(
    ledger.operations.filter(({ about }) => about['comment'] !== undefined),
    ({ about }) => about['comment'] ?? '',
  );
  for (const [comment, tries] of sent) {
    const found = entries.get(comment)?.length ?? 0;
    const max = tries.filter(({ outcome }) => outcome !== 'refused').length;
    const min = tries.some(({ outcome }) => outcome === 'acknowledged') ? 1 : 0;
    if (found < min || found > max) {
      violations.push(
        `"${comment}" has ${found} entries in the history after ${tries.map(describeOperation).join(', ')}`,
      );
    }
  }
  for (const comment of entries.keys()) {
    if (!sent.has(comment)) violations.push(`the history has "${comment}", which no user cast`);
  }
  // The acknowledged votes of one user are recorded in their order.
  const positionOf = new Map(cast.map(({ after }, position) => [String(after?.['comment']), position]));
  const acknowledgedOnce = [...sent.values()].flatMap(([first, ...more]) =>
    first !== undefined && more.length === 0 && first.outcome === 'acknowledged' ? [first] : [],
  );
  const voterOf = ({ userId, about }: Operation) => `${userId} ${about['intent']} ${about['environment']}`;
  for (const one of Map.groupBy(acknowledgedOnce, voterOf).values()) {
    for (const [index, later] of one.entries()) {
      const earlier = one[index - 1];
      if (earlier === undefined) continue;
      const [a = -1, b = -1] = [earlier, later].map(({ about }) => positionOf.get(about['comment'] ?? ''));
      if (a >= b)
        violations.push(`${describeOperation(later)} is recorded before ${describeOperation(earlier)}`);
    }
  }
  // The current votes equal the last entries of the history.
  const stored = Map.groupBy(record.votes, ({ intentId, environment }) => voteKey(intentId, environment));
  for (const key of new Set([...stored.keys(), ...replayed.votes.keys()])) {
    const view = new Map(
      (stored.get(key) ?? []).map(({ userId, decision, bypass, comment }) => [
        userId,
        { userId, decision, bypass, comment },
      ]),
    );
    const last = new Map(replayed.votes.get(key) ?? []);
    if (!isDeepStrictEqual(view, last)) violations.push(`the votes of ${key} differ from the history`);
  }
  return violations;
}

/** Checks all other acknowledged operations: artifacts, releases, cancellations, plan verdicts, policies, memberships. */
export function checkActions(
  record: DatabaseRecord,
  replayed: Replayed,
  ledger: Ledger,
  setUpUntil: number,
): string[] {
  const violations: string[] = [];
  const since = record.history.filter(({ id }) => id > setUpUntil);
  const projectNames = new Map(record.projects.map(({ id, name }) => [id, name]));
  const expectBetween = (what: string, tries: readonly Operation[], found: number): void => {
    const min = tries.filter(({ outcome }) => outcome === 'acknowledged').length;
    const max = tries.filter(({ outcome }) => outcome !== 'refused').length;
    if (found >= min && found <= max) return;
    violations.push(`${what}: ${found} in the record after ${tries.map(describeOperation).join(', ')}`);
  };
  const byKind = Map.groupBy(ledger.operations, ({ kind }) => kind);
  for (const one of byKind.get('annotate') ?? []) {
    const { title } = one.about;
    expectBetween(`artifact "${title}"`, [one], record.artifacts.filter((a) => a.title === title).length);
  }
  for (const [artifactId, tries] of Map.groupBy(
    byKind.get('release') ?? [],
    ({ about }) => about['artifactId'] ?? '',
  )) {
    const found = record.intents.filter((i) => i.artifactId === artifactId).length;
    expectBetween(`release of ${artifactId}`, tries, found);
  }
  for (const kind of ['hold.ended', 'destination.settled', 'destination.freed']) {
    for (const one of byKind.get(kind) ?? []) {
      const reason = one.about['reason'] ?? '';
      const found = since.filter(
        (entry) =>
          entry.kind === kind && (entry.after?.['reason'] === reason || entry.after?.['comment'] === reason),
      ).length;
      expectBetween(`${kind} because of "${reason}"`, [one], found);
    }
  }
  for (const kind of ['stage.retried', 'plan.repeated', 'approval.withdrawn']) {
    for (const [key, tries] of Map.groupBy(
      byKind.get(kind) ?? [],
      ({ userId, about }) => `${userId} ${about['intent']} ${about['target']}`,
    )) {
      const found = since.filter((entry) => {
        const target = entry.after?.['stage'] ?? entry.before?.['environment'];
        return entry.kind === kind && `${entry.actorId} ${entry.intentId} ${String(target)}` === key;
      }).length;
      expectBetween(`${kind} of ${key}`, tries, found);
    }
  }
  for (const [intent, tries] of Map.groupBy(
    byKind.get('cancel') ?? [],
    ({ about }) => about['intent'] ?? '',
  )) {
    const found = since.filter(
      ({ kind, intentId }) => kind === 'release.cancelled' && intentId === intent,
    ).length;
    const acknowledged = tries.some(({ outcome }) => outcome === 'acknowledged');
    // A release of which a stage had failed before can be opened again, and cancelled once more.
    const isRetried = since.some((entry) => entry.kind === 'stage.retried' && entry.intentId === intent);
    if (acknowledged && (found === 0 || (found > 1 && !isRetried)))
      violations.push(`the cancellation of ${intent} is ${found} times in the history`);
    if (acknowledged && !isRetried && replayed.statuses.get(intent) !== 'CANCELLED')
      violations.push(`intent ${intent} is not cancelled`);
  }
  for (const one of byKind.get('decide plan') ?? []) {
    if (one.outcome !== 'acknowledged') continue;
    const found = since.filter(
      ({ kind, intentId }) => kind === `plan.${one.about['verdict']}` && intentId === one.about['intent'],
    ).length;
    // A plan that is made again is judged again.
    if (found === 0)
      violations.push(`${describeOperation(one)}: its verdict is ${found} times in the history`);
  }
  for (const kind of ['policy.created', 'policy.updated', 'policy.deleted']) {
    const tries = byKind.get(kind) ?? [];
    for (const [key, some] of Map.groupBy(tries, ({ about }) => `${about['project']}/${about['policy']}`)) {
      const found = since.filter(
        (entry) =>
          entry.kind === kind && `${projectNames.get(entry.projectId ?? '')}/${entry.subject}` === key,
      ).length;
      expectBetween(`${kind} of ${key}`, some, found);
    }
  }
  for (const kind of ['member.added', 'member.removed', 'member.role_changed']) {
    for (const [user, some] of Map.groupBy(byKind.get(kind) ?? [], ({ about }) => about['user'] ?? '')) {
      const found = since.filter(
        (entry) => entry.kind === kind && (entry.after ?? entry.before)?.['user_id'] === user,
      ).length;
      // Setting the current role again adds no entry to the history.
      const tries =
        kind === 'member.role_changed' ? some.filter(({ outcome }) => outcome !== 'refused') : some;
      if (kind !== 'member.role_changed') expectBetween(`${kind} of ${user}`, tries, found);
      else if (found > tries.length)
        violations.push(`${kind} of ${user}: ${found} after ${tries.length} tries`);
    }
  }
  const roles = new Map([...replayed.roles].filter(([, role]) => role !== null));
  if (!isDeepStrictEqual(roles, new Map(record.members.map(({ userId, role }) => [userId, role])))) {
    violations.push('the members differ from the history');
  }
  for (const [projectId, rules] of replayed.rules) {
    const stored = record.policies.filter((policy) => policy.projectId === projectId);
    const view = new Map(stored.map(({ name, enabled, type, config }) => [name, { enabled, type, config }]));
    if (!isDeepStrictEqual(view, new Map(rules))) {
      violations.push(`the policies of project ${projectId} differ from the history`);
    }
  }
  return violations;
}
