import { join } from 'node:path';
import type pg from 'pg';
import { startEmbedded } from '#server/db/embedded/index.ts';
import { npmStart, type ServerProcess, startServer } from '../server-process.ts';
import { type Load, startLoad } from './load.ts';
import { withFolder } from './temporary.ts';

export interface Place {
  /** The real PostgreSQL, with fsync, as the server's role connects to it. */
  readonly database: pg.ClientConfig;
  readonly databaseUrl: string;
  readonly server: ServerProcess;
  readonly load: Load;
  /** Another server on the same database. */
  addServer(environment?: NodeJS.ProcessEnv): Promise<ServerProcess>;
}

function urlOf({ host, port, user, password, database }: pg.ClientConfig): string {
  const secret = encodeURIComponent(typeof password === 'string' ? password : '');
  const where = new URLSearchParams({ host: host ?? 'localhost', port: String(port ?? 5432) });
  return `postgres://${encodeURIComponent(user ?? '')}:${secret}@localhost/${database}?${where}`;
}

/** Few people make the load that many would. */
const SETTINGS = { NATS_URL: '', RATE_LIMIT_PER_MINUTE: '10000000', STREAMS_PER_USER: '100000' };

/** Runs `work` beside a PostgreSQL, a server as `npm start` runs it, and a process that makes load; all are gone afterwards. */
export async function withPlace<T>(
  work: (place: Place) => Promise<T>,
  environment: NodeJS.ProcessEnv = {},
): Promise<T> {
  return withFolder(async (folder) => {
    const silent = { info() {}, warn() {}, error() {} };
    const embedded = await startEmbedded({ dataDir: folder, log: silent, onLost() {} });
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
