import type { AppContext } from '#server/context.ts';
import { isUniqueViolation, type Transaction } from '#server/db/database.ts';
import { Failure, invalid, notFound } from '#server/failure.ts';
import type { Caller } from '#server/features/access/service.ts';
import { wakeOrganisation } from '#server/features/gate/wake.ts';
import { record } from '#server/features/history/service.ts';
import type { OrganisationScope } from '#server/rpc/access.ts';
import {
  deleteJoinRule,
  insertJoinRule,
  type JoinRuleRow,
  listJoinRules,
  matchingJoinRules,
} from './join-store.ts';
import { insertMember, lockOrganisation } from './store.ts';

export type JoinRule = JoinRuleRow;

/** An organisation's rules come as one list without pages: this bounds it. */
const MOST_RULES = 100;

/** The rules of an organisation, by provider and domain. */
export async function joinRulesOf(app: AppContext, scope: OrganisationScope): Promise<JoinRule[]> {
  return await listJoinRules(app.db, scope.organisationId);
}

/**
 * Makes a rule: who signs in for the first time by that provider with an address of that domain joins as member.
 * @throws Failure `invalid_argument` for a provider that the server is not configured with; `already_exists`;
 *   `resource_exhausted` at 100 rules.
 */
export async function createJoinRule(
  app: AppContext,
  caller: Caller,
  { organisationId, organisation }: OrganisationScope,
  input: { provider: string; emailDomain: string },
): Promise<JoinRule> {
  const { provider } = input;
  if (!app.config.oidcProviders.some(({ id }) => id === provider))
    throw invalid({ field: 'provider', message: `"${provider}" is none of this server's providers` });
  const emailDomain = input.emailDomain.toLowerCase();
  const rule = { joinRuleId: app.newId(), provider, emailDomain, createdAt: app.clock.now() };
  return await app.db.transaction(async (tx) => {
    await lockOrganisation(tx, organisationId);
    if ((await listJoinRules(tx, organisationId)).length >= MOST_RULES)
      throw new Failure(
        'resource_exhausted',
        `${organisation} has ${MOST_RULES} join rules: delete one first`,
      );
    try {
      await insertJoinRule(tx, organisationId, rule);
    } catch (error) {
      if (!isUniqueViolation(error)) throw error;
      const words = `${organisation} has a join rule for ${emailDomain} by ${provider} already`;
      throw new Failure('already_exists', words, {
        fields: [{ field: 'email_domain', message: 'has a rule already' }],
      });
    }
    await recordRule(tx, app, caller, organisationId, { kind: 'join_rule.created', after: rule });
    return rule;
  });
}

/** Ends a rule; who joined by it stays. @throws Failure `not_found`. */
export async function removeJoinRule(
  app: AppContext,
  caller: Caller,
  { organisationId, organisation }: OrganisationScope,
  joinRuleId: string,
): Promise<void> {
  await app.db.transaction(async (tx) => {
    const rule = await deleteJoinRule(tx, joinRuleId, organisationId);
    if (rule === null) throw notFound(`join rule ${joinRuleId} of ${organisation}`);
    await recordRule(tx, app, caller, organisationId, { kind: 'join_rule.deleted', before: rule });
  });
}

async function recordRule(
  tx: Transaction,
  app: AppContext,
  { userId, username }: Caller,
  organisationId: string,
  change: { kind: string; before?: JoinRule; after?: JoinRule },
): Promise<void> {
  const shown = (rule: JoinRule | undefined) =>
    rule && { provider: rule.provider, email_domain: rule.emailDomain, role: 'member' };
  const { provider = '', emailDomain = '' } = change.after ?? change.before ?? {};
  await record(tx, app, {
    organisationId,
    kind: change.kind,
    actor: { userId, username },
    subject: `join rule ${emailDomain} by ${provider}`,
    before: shown(change.before) ?? null,
    after: shown(change.after) ?? null,
  });
}

/**
 * Makes a user who has just been made a member of every organisation whose rule says so. For the first sign-in only: who
 * has been removed since does not come back by another one.
 */
export async function joinByRules(
  tx: Transaction,
  app: AppContext,
  user: { readonly userId: string; readonly username: string },
  from: { provider: string; emailDomain: string },
): Promise<void> {
  for (const { organisationId } of await matchingJoinRules(tx, from.provider, from.emailDomain)) {
    await lockOrganisation(tx, organisationId);
    await insertMember(tx, organisationId, user.userId, 'member', app.clock.now());
    await record(tx, app, {
      organisationId,
      kind: 'member.added',
      actor: null,
      subject: `member ${user.username}`,
      after: {
        user_id: user.userId,
        username: user.username,
        role: 'member',
        reason: `first sign-in by ${from.provider} with an address of ${from.emailDomain}`,
      },
    });
    await wakeOrganisation(tx, app, organisationId);
  }
}
