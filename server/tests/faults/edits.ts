import { setTimeout as sleep } from 'node:timers/promises';
import { type Actor, ask, projectAt, projectOf } from './actor.ts';
import { outcomeOf } from './calls.ts';
import { approvalConfig, branchConfig, PRODUCTION, STAGING, soakConfig } from './place.ts';
import type { Deed } from './plan.ts';

/** Removes somebody, takes them in again, or changes their role. */
export async function changeMembership(
  actor: Actor,
  deed: Extract<Deed, { is: 'membership' }>,
): Promise<void> {
  const { scene } = actor;
  const others = scene.place.users.slice(1);
  const chosen = others[Math.floor(deed.whose * others.length)];
  if (chosen === undefined || chosen.id === actor.user.id) return;
  const role = scene.believed.get(chosen.id);
  const { organisationId } = scene.place;
  const usual = chosen.admin ? 'admin' : 'member';
  const [kind, method, next] = ((): [string, string, 'member' | 'admin' | null] => {
    if (role === null) return ['member.added', 'AddMember', usual];
    if (role !== usual) return ['member.role_changed', 'UpdateMemberRole', usual];
    if (deed.drawn < 0.5) return ['member.removed', 'RemoveMember', null];
    return ['member.role_changed', 'UpdateMemberRole', usual === 'admin' ? 'member' : 'admin'];
  })();
  const body = { organisationId, userId: chosen.id, ...(next === null ? {} : { role: next }) };
  const answer = await ask(actor, kind, `OrganisationService/${method}`, body, { user: chosen.id });
  if (answer === null) return;
  if (answer.code === 'ok' || answer.code === 'already_exists') scene.believed.set(chosen.id, next ?? null);
  if (answer.code === 'not_found' && kind !== 'member.added') scene.believed.set(chosen.id, null);
}

/** Makes, changes, switches or deletes a policy. */
export async function editPolicy(
  actor: Actor,
  deed: Extract<Deed, { is: 'require' | 'flicker' | 'switch' | 'create policy' | 'delete policy' }>,
): Promise<void> {
  const { scene } = actor;
  const name = projectAt(deed.project);
  const project = projectOf(name);
  const extras = scene.extras.get(name) ?? [];
  const update = (policy: string, change: object) =>
    ask(
      actor,
      'policy.updated',
      'PolicyService/UpdatePolicy',
      { project, name: policy, ...change },
      {
        policy,
        project: name,
      },
    );
  const requireApprovals = (required: number) =>
    update('approvals', { approval: approvalConfig(PRODUCTION, required).approval });
  switch (deed.is) {
    case 'require':
      await requireApprovals(deed.approvals);
      return;
    case 'flicker':
      await requireApprovals(1);
      await sleep(deed.pause);
      await requireApprovals(3);
      return;
    case 'switch': {
      const names = ['approvals', ...(name === 'checkout' ? ['soak', 'branch'] : []), ...extras];
      await update(names[Math.floor(deed.which * names.length)] ?? 'approvals', { enabled: deed.on });
      return;
    }
    case 'create policy': {
      if (extras.length >= 3) return;
      const policy = `extra ${scene.ledger.newId()}`;
      const config =
        deed.kind < 0.4
          ? approvalConfig(deed.kind < 0.1 ? STAGING : PRODUCTION, 1)
          : deed.kind < 0.7
            ? soakConfig(deed.kind < 0.55 ? 1 : 3)
            : branchConfig('^(main|release/.*|dev)$');
      const about = { policy, project: name };
      const answer = await ask(
        actor,
        'policy.created',
        'PolicyService/CreatePolicy',
        { project, name: policy, ...config },
        about,
      );
      if (answer !== null && outcomeOf(answer) !== 'refused') extras.push(policy);
      return;
    }
    case 'delete policy': {
      const policy = extras[Math.floor(deed.which * extras.length)];
      if (policy === undefined) return;
      const about = { policy, project: name };
      const answer = await ask(
        actor,
        'policy.deleted',
        'PolicyService/DeletePolicy',
        { project, name: policy },
        about,
      );
      if (answer !== null && ['ok', 'not_found'].includes(answer.code))
        extras.splice(extras.indexOf(policy), 1);
      return;
    }
  }
}
