import { type Executor, statement } from './database.ts';

const PREFIX = 'forage/';

/** The application_name of a server's connections; PostgreSQL keeps 63 bytes. */
export const applicationName = (serverId: string): string => `${PREFIX}${serverId}`;

const otherServers = statement<[own: string, pattern: string], { name: string }>(
  'db.other_servers',
  `select distinct application_name as name from pg_stat_activity
    where datname = current_database() and application_name <> $1 and application_name like $2`,
);

/** The ids of other servers with connections to this database now. An idle server may have none. */
export async function findOtherServers(executor: Executor, serverId: string): Promise<string[]> {
  const rows = await executor.run(otherServers, [applicationName(serverId), `${PREFIX}%`]);
  return rows.map(({ name }) => name.slice(PREFIX.length));
}
