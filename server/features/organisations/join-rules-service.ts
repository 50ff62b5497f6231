import type { AppContext } from '#server/context.ts';
import { isUniqueViolation, type Transaction } from '#server/db/database.ts';
import { Failure, invalid, notFound } from '#server/failure.ts';
import type { Caller } from '#server/features/access/service.ts';
import { wakeOrganisation } from '#server/features/gate/wake.ts';
import { type Actor, record } from '#server/features/history/service.ts';
import { LIMITS } from '#server/limits.ts';
import type { OrganisationScope } from '#server/wire/scopes.ts';
import * as store from './store.ts';

export type JoinRule = store.JoinRuleRow;

/** The rules of an organisation, by provider and domain. */
export async function listJoinRules(app: AppContext, scope: OrganisationScope): Promise<JoinRule[]> {
  return await app.db.run(store.listJoinRules, [scope.organisationId]);
}

/**
 * Creates a rule: users who first sign in with that provider and an address of that domain become members.
 * @throws Failure `invalid_argument` for a provider that is not configured; `already_exists`; `resource_exhausted`.
 */
export async function createJoinRule(
  app: AppContext,
  caller: Caller,
  { organisationId, organisation }: OrganisationScope,
  { provider, emailDomain: domain }: { provider: string; emailDomain: string },
): Promise<JoinRule> {
  if (!app.config.oidcProviders.some(({ id }) => id === provider))
    throw invalid({ field: 'provider', message: `"${provider}" is not an identity provider of this server` });
  const emailDomain = domain.toLowerCase();
  const rule = { joinRuleId: app.newId(), provider, emailDomain, createdAt: app.clock.now() };
  return await app.db.transaction(async (tx) => {
    await tx.run(store.lockOrganisation, [organisationId]);
    if ((await tx.run(store.listJoinRules, [organisationId])).length >= LIMITS.joinRulesPerOrganisation)
      throw new Failure(
        'resource_exhausted',
        `${organisation} has ${LIMITS.joinRulesPerOrganisation} rules. Delete one first.`,
      );
    try {
      const params = [rule.joinRuleId, organisationId, provider, emailDomain, rule.createdAt] as const;
      await tx.run(store.insertJoinRule, params);
    } catch (error) {
      if (!isUniqueViolation(error)) throw error;
      const fields = [{ field: 'email_domain', message: 'already has a rule' }];
      const message = `${organisation} already has a rule for ${emailDomain} and ${provider}`;
      throw new Failure('already_exists', message, { fields });
    }
    await recordRule(tx, app, caller, organisationId, { kind: 'join_rule.created', after: rule });
    return rule;
  });
}

/** Deletes a rule; members who joined by it stay. @throws Failure `not_found`. */
export async function deleteJoinRule(
  app: AppContext,
  caller: Caller,
  { organisationId, organisation }: OrganisationScope,
  joinRuleId: string,
): Promise<void> {
  await app.db.transaction(async (tx) => {
    const [rule] = await tx.run(store.deleteJoinRule, [joinRuleId, organisationId]);
    if (rule === undefined) throw notFound(`Join rule ${joinRuleId} of ${organisation}`);
    await recordRule(tx, app, caller, organisationId, { kind: 'join_rule.deleted', before: rule });
  });
}

async function recordRule(
  tx: Transaction,
  app: AppContext,
  actor: Caller,
  organisationId: string,
  { kind, before, after }: { kind: string; before?: JoinRule; after?: JoinRule },
): Promise<void> {
  const stateOf = (rule: JoinRule | undefined) =>
    rule === undefined ? null : { provider: rule.provider, email_domain: rule.emailDomain, role: 'member' };
  const { provider = '', emailDomain = '' } = after ?? before ?? {};
  const subject = `join rule ${emailDomain} by ${provider}`;
  const states = { before: stateOf(before), after: stateOf(after) };
  await record(tx, app, { organisationId, kind, actor, subject, ...states });
}

/**
 * Makes a new user a member of every organisation with a matching rule. Only the first sign-in does this: removed members
 * must not return by signing in again.
 */
export async function joinByRules(
  tx: Transaction,
  app: AppContext,
  { userId, username }: Actor,
  { provider, emailDomain }: { provider: string; emailDomain: string },
): Promise<void> {
  for (const { organisationId } of await tx.run(store.findMatchingJoinRules, [provider, emailDomain])) {
    await tx.run(store.lockOrganisation, [organisationId]);
    await tx.run(store.insertMember, [organisationId, userId, 'member', app.clock.now()]);
    const reason = `first sign-in with ${provider} and an address of ${emailDomain}`;
    await record(tx, app, {
      organisationId,
      kind: 'member.added',
      actor: null,
      subject: `member ${username}`,
      after: { user_id: userId, username, role: 'member', reason },
    });
    await wakeOrganisation(tx, app, organisationId);
  }
}
