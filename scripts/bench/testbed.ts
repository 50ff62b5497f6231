import { join } from 'node:path';
import type pg from 'pg';
import { startEmbedded } from '#server/db/embedded/start-embedded.ts';
import { npmStart, type ServerProcess, startServer } from '../server-process.ts';
import { type Load, startLoad } from './load.ts';
import { withFolder } from './temporary.ts';

/** The processes of a measurement. */
export interface Testbed {
  /** The real PostgreSQL, with fsync, as the server's role connects to it. */
  readonly database: pg.ClientConfig;
  readonly databaseUrl: string;
  readonly server: ServerProcess;
  readonly load: Load;
  /** Starts another server on the same database. */
  addServer(environment?: NodeJS.ProcessEnv): Promise<ServerProcess>;
}

/** The address of a database. */
export function urlOf({ host, port, user, password, database }: pg.ClientConfig): string {
  const secret = encodeURIComponent(typeof password === 'string' ? password : '');
  const where = new URLSearchParams({ host: host ?? 'localhost', port: String(port ?? 5432) });
  return `postgres://${encodeURIComponent(user ?? '')}:${secret}@localhost/${database}?${where}`;
}

/** Rate limits would apply, because a few users generate the load of many. */
export const SETTINGS = { NATS_URL: '', RATE_LIMIT_PER_MINUTE: '10000000', STREAMS_PER_USER: '100000' };

/** Runs `work` with a PostgreSQL, a server as `npm start` runs it, and a load process; stops them afterwards. */
export async function withTestbed<T>(
  work: (place: Testbed) => Promise<T>,
  environment: NodeJS.ProcessEnv = {},
): Promise<T> {
  return withFolder(async (folder) => {
    const noLog = { info() {}, warn() {}, error() {} };
    const embedded = await startEmbedded({ dataDir: folder, log: noLog, onLost() {} });
    const ends: (() => Promise<void> | void)[] = [() => embedded.stop()];
    const databaseUrl = urlOf(embedded.connection);
    let servers = 0;
    const addServer = async (more: NodeJS.ProcessEnv = {}) => {
      const server = await startServer(
        join(folder, `server-${servers++}`),
        { ...SETTINGS, ...environment, ...more, DATABASE_URL: databaseUrl, FORAGE_REGISTRATION: 'open' },
        npmStart,
      );
      ends.push(() => server.stop());
      return server;
    };
    try {
      const server = await addServer();
      const load = startLoad();
      ends.push(() => load.end());
      return await work({ database: embedded.connection, databaseUrl, server, load, addServer });
    } finally {
      for (const end of ends.reverse()) await end();
    }
  });
}
