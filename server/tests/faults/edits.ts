import { setTimeout as sleep } from 'node:timers/promises';
import { type Actor, callAndRecord, projectAt, projectOf } from './actor.ts';
import { outcomeOf } from './calls.ts';
import { approvalConfig, branchConfig, PRODUCTION, STAGING, soakConfig } from './fault-world.ts';
import type { Action } from './plan.ts';

/** Removes a member, adds one again, or changes a role. */
export async function changeMembership(
  actor: Actor,
  action: Extract<Action, { is: 'membership' }>,
): Promise<void> {
  const { state } = actor;
  const others = state.world.users.slice(1);
  const initialOf = ({ admin }: { readonly admin: boolean }) => (admin ? 'admin' : 'member');
  // Few are changed at a time, or nobody could do anything.
  const changed = others.filter((user) => state.knownRoles.get(user.id) !== initialOf(user));
  const among = changed.length > 1 ? changed : others;
  const chosen = among[Math.floor(action.which * among.length)];
  if (chosen === undefined || chosen.id === actor.user.id) return;
  const role = state.knownRoles.get(chosen.id);
  const { organisationId } = state.world;
  const initial = initialOf(chosen);
  const [kind, method, next] = ((): [string, string, 'member' | 'admin' | null] => {
    if (role === null) return ['member.added', 'AddMember', initial];
    if (role !== initial) return ['member.role_changed', 'UpdateMemberRole', initial];
    if (action.drawn < 0.5) return ['member.removed', 'RemoveMember', null];
    return ['member.role_changed', 'UpdateMemberRole', initial === 'admin' ? 'member' : 'admin'];
  })();
  const body = { organisationId, userId: chosen.id, ...(next === null ? {} : { role: next }) };
  const answer = await callAndRecord(actor, kind, `OrganisationService/${method}`, body, { user: chosen.id });
  if (answer === null) return;
  if (answer.code === 'ok' || answer.code === 'already_exists') state.knownRoles.set(chosen.id, next ?? null);
  if (answer.code === 'not_found' && kind !== 'member.added') state.knownRoles.set(chosen.id, null);
}

/** Creates, changes, enables, disables or deletes a policy. */
export async function editPolicy(
  actor: Actor,
  action: Extract<Action, { is: 'require' | 'lower briefly' | 'switch' | 'create policy' | 'delete policy' }>,
): Promise<void> {
  const { state } = actor;
  const name = projectAt(action.project);
  const project = projectOf(name);
  const extras = state.extras.get(name) ?? [];
  const update = (policy: string, change: object) =>
    callAndRecord(
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
  switch (action.is) {
    case 'require':
      await requireApprovals(action.approvals);
      return;
    case 'lower briefly':
      await requireApprovals(1);
      await sleep(action.pause);
      await requireApprovals(3);
      return;
    case 'switch': {
      const names = [
        'approvals',
        ...(name === 'checkout' ? ['soak', 'branch'] : name === 'search' ? ['soak'] : []),
        ...extras,
      ];
      await update(names[Math.floor(action.which * names.length)] ?? 'approvals', { enabled: action.on });
      return;
    }
    case 'create policy': {
      if (extras.length >= 3) return;
      const policy = `extra ${state.ledger.newId()}`;
      const config =
        action.drawn < 0.4
          ? approvalConfig(action.drawn < 0.1 ? STAGING : PRODUCTION, 1)
          : action.drawn < 0.7
            ? soakConfig(action.drawn < 0.55 ? 1 : 3, action.drawn % 0.1 < 0.05)
            : branchConfig('^(main|release/.*|dev)$');
      const about = { policy, project: name };
      const answer = await callAndRecord(
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
      const policy = extras[Math.floor(action.which * extras.length)];
      if (policy === undefined) return;
      const about = { policy, project: name };
      const answer = await callAndRecord(
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
