import { isDeepStrictEqual } from 'node:util';
import { type Ledger, type Operation, sayOperation } from './ledger.ts';
import type { DatabaseRecord } from './record.ts';
import { type Replayed, voiceKey } from './replay.ts';

/** Everything that is wrong with the votes: lost, doubled, reordered, or shown otherwise than the history says. */
export function checkVotes(record: DatabaseRecord, replayed: Replayed, ledger: Ledger): string[] {
  const violations: string[] = [];
  const cast = record.history.filter(({ kind }) => kind.startsWith('approval.'));
  const entries = Map.groupBy(cast, ({ after }) => String(after?.['comment']));
  const asked = Map.groupBy(
    ledger.operations.filter(({ about }) => about['comment'] !== undefined),
    ({ about }) => about['comment'] ?? '',
  );
  for (const [comment, tries] of asked) {
    const found = entries.get(comment)?.length ?? 0;
    const perhaps = tries.filter(({ outcome }) => outcome !== 'refused').length;
    const surely = tries.some(({ outcome }) => outcome === 'acknowledged') ? 1 : 0;
    if (found < surely || found > perhaps) {
      violations.push(
        `"${comment}" has ${found} entries of the history after ${tries.map(sayOperation).join(', ')}`,
      );
    }
  }
  for (const comment of entries.keys()) {
    if (!asked.has(comment)) violations.push(`the history has "${comment}", which nobody cast`);
  }
  // What one voter was told in one order stands in that order.
  const placeOf = new Map(cast.map(({ after }, place) => [String(after?.['comment']), place]));
  const clear = [...asked.values()].flatMap(([first, ...more]) =>
    first !== undefined && more.length === 0 && first.outcome === 'acknowledged' ? [first] : [],
  );
  const voterOf = ({ userId, about }: Operation) => `${userId} ${about['intent']} ${about['environment']}`;
  for (const one of Map.groupBy(clear, voterOf).values()) {
    for (const [index, later] of one.entries()) {
      const earlier = one[index - 1];
      if (earlier === undefined) continue;
      const [a = -1, b = -1] = [earlier, later].map(({ about }) => placeOf.get(about['comment'] ?? ''));
      if (a >= b) violations.push(`${sayOperation(later)} stands before ${sayOperation(earlier)}`);
    }
  }
  // The current view is the history's last word, vote by vote.
  const shown = Map.groupBy(record.votes, ({ intentId, environment }) => voiceKey(intentId, environment));
  for (const key of new Set([...shown.keys(), ...replayed.voices.keys()])) {
    const view = new Map(
      (shown.get(key) ?? []).map(({ userId, decision, bypass, comment }) => [
        userId,
        { userId, decision, bypass, comment },
      ]),
    );
    const last = new Map(replayed.voices.get(key) ?? []);
    if (!isDeepStrictEqual(view, last)) violations.push(`the votes of ${key} are not what the history says`);
  }
  return violations;
}

/** Everything else that was acknowledged: artifacts, releases, cancellations, verdicts, policies, memberships. */
export function checkDeeds(
  record: DatabaseRecord,
  replayed: Replayed,
  ledger: Ledger,
  setUpUntil: number,
): string[] {
  const violations: string[] = [];
  const since = record.history.filter(({ id }) => id > setUpUntil);
  const projectNames = projectNamesOf(record, ledger);
  const expectBetween = (what: string, tries: readonly Operation[], found: number, most?: number): void => {
    const surely = tries.filter(({ outcome }) => outcome === 'acknowledged').length;
    const perhaps = tries.filter(({ outcome }) => outcome !== 'refused').length;
    if (found >= (most === undefined ? surely : Math.min(surely, most)) && found <= (most ?? perhaps)) return;
    violations.push(`${what}: ${found} in the record after ${tries.map(sayOperation).join(', ')}`);
  };
  const byKind = Map.groupBy(ledger.operations, ({ kind }) => kind);
  for (const one of byKind.get('annotate') ?? []) {
    const { title } = one.about;
    expectBetween(`artifact "${title}"`, [one], record.artifacts.filter((a) => a.title === title).length);
  }
  for (const one of byKind.get('release') ?? []) {
    const { artifactId } = one.about;
    expectBetween(
      `release of ${artifactId}`,
      [one],
      record.intents.filter((i) => i.artifactId === artifactId).length,
    );
  }
  for (const [intent, tries] of Map.groupBy(
    byKind.get('cancel') ?? [],
    ({ about }) => about['intent'] ?? '',
  )) {
    const found = since.filter(
      ({ kind, intentId }) => kind === 'release.cancelled' && intentId === intent,
    ).length;
    const mine = tries.some(({ outcome }) => outcome === 'acknowledged');
    if (mine && found !== 1)
      violations.push(`the cancellation of ${intent} stands ${found} times in the history`);
    if (mine && replayed.statuses.get(intent) !== 'CANCELLED')
      violations.push(`intent ${intent} is not cancelled`);
  }
  for (const one of byKind.get('judge plan') ?? []) {
    if (one.outcome !== 'acknowledged') continue;
    const found = since.filter(
      ({ kind, intentId }) => kind === `plan.${one.about['verdict']}` && intentId === one.about['intent'],
    ).length;
    if (found !== 1)
      violations.push(`${sayOperation(one)}: its verdict stands ${found} times in the history`);
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
      // A role that one has already is given again without a word in the history.
      const tries =
        kind === 'member.role_changed' ? some.filter(({ outcome }) => outcome !== 'refused') : some;
      if (kind !== 'member.role_changed') expectBetween(`${kind} of ${user}`, tries, found);
      else if (found > tries.length)
        violations.push(`${kind} of ${user}: ${found} after ${tries.length} tries`);
    }
  }
  const roles = new Map([...replayed.roles].filter(([, role]) => role !== null));
  if (!isDeepStrictEqual(roles, new Map(record.members.map(({ userId, role }) => [userId, role])))) {
    violations.push('the members are not those that the history says');
  }
  for (const [projectId, rules] of replayed.rules) {
    const stored = record.policies.filter((policy) => policy.projectId === projectId);
    const view = new Map(stored.map(({ name, enabled, type, config }) => [name, { enabled, type, config }]));
    if (!isDeepStrictEqual(view, new Map(rules))) {
      violations.push(`the policies of project ${projectId} are not those that the history says`);
    }
  }
  return violations;
}

/** Names of projects by id, learnt from intents whose releases are in the ledger. */
function projectNamesOf(record: DatabaseRecord, ledger: Ledger): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  const created = record.history.filter(({ kind }) => kind.startsWith('policy.'));
  for (const { about, outcome } of ledger.operations) {
    const { policy, project } = about;
    if (policy === undefined || project === undefined || outcome === 'refused') continue;
    // Names of extras are unique over all projects.
    const entry = created.find(({ subject }) => subject === policy && policy.startsWith('extra '));
    if (entry?.projectId) names.set(entry.projectId, project);
  }
  // The project with a soak policy from the start is the first one.
  const first = created.find(({ subject }) => subject === 'soak')?.projectId;
  for (const { projectId } of created) {
    if (projectId !== null && !names.has(projectId))
      names.set(projectId, projectId === first ? 'checkout' : 'billing');
  }
  return names;
}
