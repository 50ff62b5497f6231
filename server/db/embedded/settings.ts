import { type Endpoint, isSocket } from './endpoint.ts';

/**
 * PostgreSQL's settings, as arguments of the server, so that every start has those of this version of Forage, whatever
 * the files in the data folder say. Durability is left at PostgreSQL's defaults (fsync, full pages, synchronous commit).
 */
export function serverArguments(folder: string, endpoint: Endpoint): string[] {
  const settings: Record<string, string> = {
    listen_addresses: isSocket(endpoint) ? '' : endpoint.host,
    unix_socket_directories: isSocket(endpoint) ? endpoint.host : '',
    unix_socket_permissions: '0700',
    port: String(endpoint.port),
    // Tells a later start which Forage server started this one.
    cluster_name: ownerName(process.pid),
    max_connections: '60',
    shared_buffers: '64MB',
    fsync: 'on',
    synchronous_commit: 'on',
    timezone: 'UTC',
    log_timezone: 'UTC',
    // One product, short statements: helper processes would only take memory.
    io_method: 'sync',
    max_parallel_workers_per_gather: '0',
    max_logical_replication_workers: '0',
    // The log is for the server's own troubles; failed statements are Forage's to report, and may hold people's words.
    log_destination: 'stderr',
    logging_collector: 'off',
    log_min_messages: 'log',
    log_min_error_statement: 'panic',
    log_checkpoints: 'off',
  };
  return ['-D', folder, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])];
}

/** How a Forage server signs the PostgreSQL it started and its own connections. */
export function ownerName(pid: number): string {
  return `forage ${pid}`;
}

/** The process id in such a signature; undefined when it is somebody else's. */
export function ownerPid(name: string): number | undefined {
  const pid = /^forage (\d+)$/.exec(name)?.[1];
  return pid === undefined ? undefined : Number(pid);
}
