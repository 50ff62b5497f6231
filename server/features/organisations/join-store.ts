import { type Executor, statement } from '#server/db/database.ts';

export interface JoinRuleRow {
  readonly joinRuleId: string;
  readonly provider: string;
  readonly emailDomain: string;
  readonly createdAt: Date;
}

const COLUMNS = `id as "joinRuleId", provider, email_domain as "emailDomain", created_at as "createdAt"`;

const list = statement<readonly [organisationId: string], JoinRuleRow>(
  'join_rules.list',
  `select ${COLUMNS} from organisation_join_rules where organisation_id = $1 order by provider, email_domain`,
);

/** The rules of an organisation, by provider and domain. */
export async function listJoinRules(db: Executor, organisationId: string): Promise<JoinRuleRow[]> {
  return await db.run(list, [organisationId]);
}

const insert = statement<
  readonly [id: string, organisationId: string, provider: string, emailDomain: string, createdAt: Date]
>(
  'join_rules.insert',
  `insert into organisation_join_rules (id, organisation_id, provider, email_domain, created_at)
   values ($1, $2, $3, $4, $5)`,
);

export async function insertJoinRule(db: Executor, organisationId: string, rule: JoinRuleRow): Promise<void> {
  const { joinRuleId, provider, emailDomain, createdAt } = rule;
  await db.run(insert, [joinRuleId, organisationId, provider, emailDomain, createdAt]);
}

const remove = statement<readonly [id: string, organisationId: string], JoinRuleRow>(
  'join_rules.delete',
  `delete from organisation_join_rules where id = $1 and organisation_id = $2 returning ${COLUMNS}`,
);

/** Deletes a rule and gives it; null when that organisation has none of that id. */
export async function deleteJoinRule(
  db: Executor,
  id: string,
  organisationId: string,
): Promise<JoinRuleRow | null> {
  return (await db.run(remove, [id, organisationId]))[0] ?? null;
}

const matching = statement<
  readonly [provider: string, emailDomain: string],
  { organisationId: string; joinRuleId: string }
>(
  'join_rules.matching',
  // In one order for everybody, so that nobody waits in a circle; a rule that is being deleted is waited for.
  `select organisation_id as "organisationId", id as "joinRuleId" from organisation_join_rules
    where provider = $1 and email_domain = $2 order by organisation_id for share`,
);

/** The organisations that whoever comes by that provider, with an address of that domain, joins. */
export async function matchingJoinRules(
  db: Executor,
  provider: string,
  emailDomain: string,
): Promise<{ organisationId: string; joinRuleId: string }[]> {
  return await db.run(matching, [provider, emailDomain]);
}
