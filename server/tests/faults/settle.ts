import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';

/** Descriptions of remaining work; empty when all possible work is done. */
const UNFINISHED = `
  select 'intent ' || id || ' is behind: it has seen ' || seen_generation || ' of ' || wanted_generation as what
    from release_intents where status = 'ACTIVE' and seen_generation < wanted_generation
  union all
  select 'intent ' || id || ' is overdue since ' || next_check_at from release_intents
   where status = 'ACTIVE' and next_check_at < clock_timestamp() - interval '0.5 seconds'
  union all
  select 'release ' || r.id || ' is queued' from releases r
    join stages s on s.release_intent_id = r.release_intent_id and s.id = r.stage_id
   where r.status = 'QUEUED' and s.status = 'ACTIVE'
  union all
  select 'release ' || id || ' is ' || status || ', attempt ' || attempt || ', lease until ' ||
         coalesce(lease_until::text, 'reported') from releases where status in ('ASSIGNED', 'RUNNING')
  union all
  select 'release ' || id || ' should have freed its destination at ' || occupied_until from releases
   where occupied_until < clock_timestamp() - interval '0.5 seconds'
  union all
  select 'stage ' || s.id || ' of ' || s.release_intent_id || ' is active but has no deliveries'
    from stages s join release_intents i on i.id = s.release_intent_id
   where s.status = 'ACTIVE' and s.type = 'deploy' and i.status = 'ACTIVE'
     and not exists (select 1 from releases r where r.release_intent_id = s.release_intent_id and r.stage_id = s.id)`;

/** Descriptions of work that is scheduled for later; a plan that is made again only after ten minutes is not waited for. */
const TIMED = `select 'intent ' || id || ' waits for ' || next_check_at as what
  from release_intents where status = 'ACTIVE' and next_check_at < clock_timestamp() + interval '1 minute'`;

async function until(
  client: pg.Client,
  sql: string,
  timeout: number,
): Promise<{ seconds: number; left: string[] }> {
  const began = performance.now();
  for (;;) {
    const left = (await client.query<{ what: string }>(sql)).rows.map(({ what }) => what);
    const seconds = (performance.now() - began) / 1000;
    if (left.length === 0 || seconds > timeout) return { seconds, left };
    await sleep(50);
  }
}

/** Waits until no work is left. Returns how long that took, and what was left after `timeout` seconds. */
export const settled = (client: pg.Client, timeout: number) => until(client, UNFINISHED, timeout);

/** As `settled`, and also waits until no work is scheduled for later. */
export const idle = (client: pg.Client, timeout: number) =>
  until(client, `${UNFINISHED} union all ${TIMED}`, timeout);
