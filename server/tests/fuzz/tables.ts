import type { TestApp } from '../harness.ts';

/** Columns that a refused request may update. */
const MAY_CHANGE: Readonly<Record<string, string>> = {
  credentials: 'last_used_at',
  user_identities: 'last_used_at',
};

/** By table: the number of rows and a digest of their content. */
export type Digest = ReadonlyMap<string, string>;

/** Reads all tables but the counts of sign-in attempts, which refused requests raise. */
export async function digestOf(app: TestApp): Promise<Digest> {
  const { pool } = app.context.db;
  const tables = await pool.query<{ name: string }>(
    `select relname as name from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p')
        and relname <> 'sign_in_attempts'`,
  );
  const parts = tables.rows.map(({ name }) => {
    const left = name in MAY_CHANGE ? ` - '${MAY_CHANGE[name]}'` : '';
    return `select '${name}' as name, count(*) || ' rows ' || coalesce(sum(hashtextextended((to_jsonb(t)${left})::text, 0)::numeric), 0) as digest from ${name} t`;
  });
  const { rows } = await pool.query<{ name: string; digest: string }>(parts.join(' union all '));
  return new Map(rows.map(({ name, digest }) => [name, digest]));
}

/** The tables whose rows differ. */
export const differing = (before: Digest, after: Digest): string[] =>
  [...after.keys()].filter((name) => before.get(name) !== after.get(name));

/** Waits until the workers are idle and two successive digests are equal. */
export async function settled(app: TestApp): Promise<Digest> {
  let last = await digestOf(app);
  for (let tries = 0; tries < 200; tries++) {
    const { rows } = await app.context.db.pool.query<{ busy: boolean }>(
      `select exists (select 1 from release_intents where seen_generation < wanted_generation)
           or exists (select 1 from releases where status in ('ASSIGNED', 'RUNNING')) as busy`,
    );
    const now = await digestOf(app);
    if (rows[0]?.busy === false && differing(last, now).length === 0) return now;
    last = now;
  }
  throw new Error('The database keeps changing');
}
