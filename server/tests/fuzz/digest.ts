import type { TestApp } from '../harness.ts';

/**
 * What a refused request may change: when a credential or an identity was last used is noted once a minute, and tries to
 * sign in are counted so that they can be slowed.
 */
const MAY_CHANGE: Readonly<Record<string, readonly string[]>> = {
  credentials: ['last_used_at'],
  user_identities: ['last_used_at'],
};
const NOT_COMPARED: ReadonlySet<string> = new Set(['sign_in_attempts']);

/** The number of rows and a digest of their content, for each table of the database. */
export type Digest = Readonly<Record<string, string>>;

/** Reads every table whole: the same digest means the same rows. */
export async function digestOf(app: TestApp): Promise<Digest> {
  const { pool } = app.context.db;
  const found = await pool.query(
    `select c.relname as name from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')`,
  );
  const names = (found.rows as { name: string }[])
    .map(({ name }) => name)
    .filter((name) => !NOT_COMPARED.has(name));
  const parts = names.map((name) => {
    const left = (MAY_CHANGE[name] ?? []).map((column) => ` - '${column}'`).join('');
    return `select '${name}' as name, count(*) || ' rows ' || coalesce(sum(hashtextextended((to_jsonb(t)${left})::text, 0)::numeric), 0) as digest from ${name} t`;
  });
  const read = await pool.query(parts.join(' union all '));
  return Object.fromEntries(
    (read.rows as { name: string; digest: string }[]).map(({ name, digest }) => [name, digest]),
  );
}

/** The tables whose rows differ. */
export const differing = (before: Digest, after: Digest): string[] =>
  Object.keys({ ...before, ...after }).filter((name) => before[name] !== after[name]);

/** Waits until nothing is on its way any more: workers have seen all, and two readings agree. */
export async function settled(app: TestApp): Promise<Digest> {
  const { pool } = app.context.db;
  let last = await digestOf(app);
  for (let tries = 0; tries < 200; tries++) {
    const { rows } = await pool.query(
      `select exists (select 1 from release_intents where seen_generation < wanted_generation)
           or exists (select 1 from releases where status in ('ASSIGNED', 'RUNNING')) as busy`,
    );
    const now = await digestOf(app);
    const busy = (rows as { busy: boolean }[])[0]?.busy === true;
    if (!busy && differing(last, now).length === 0) return now;
    last = now;
  }
  throw new Error('the database does not come to rest');
}
