import { type Figure, median } from './figure.ts';
import { openHttpConnection } from './http-connection.ts';

/** How many requests are measured, after some that only warm up. */
export interface Turns {
  readonly requests: number;
  readonly warmUp: number;
}

/**
 * The median latency of each server in milliseconds. Requests are sent in sequence, to all servers in turn, so that other load on the
 * machine affects all of them.
 */
export async function latencies<Server extends { readonly url: string }>(
  servers: readonly Server[],
  { requests, warmUp }: Turns,
  requestOf: (server: Server, turn: number) => string,
): Promise<readonly number[]> {
  const connections = await Promise.all(
    servers.map(({ url }) => openHttpConnection(new URL(url).hostname, Number(new URL(url).port))),
  );
  const took: number[][] = servers.map(() => []);
  for (let turn = 0; turn < requests + warmUp; turn++) {
    for (const step of servers.keys()) {
      // The order changes each turn.
      const index = (turn + step) % servers.length;
      const server = servers[index];
      if (server === undefined) continue;
      const request = requestOf(server, turn);
      const sent = performance.now();
      const answer = await connections[index]?.send(request);
      if (answer?.status !== 200) throw new Error(`Status ${answer?.status}: ${answer?.text()}`);
      took[index]?.push(performance.now() - sent);
    }
  }
  for (const connection of connections) connection.end();
  return took.map((times) => median(times.slice(warmUp)));
}

/** The figure that a latency grows by at most 30 % with the size of the database. */
export function growthFigure(name: string, found: readonly number[]): Figure {
  const ratio = Math.max(...found) / Math.min(...found);
  return {
    name,
    measured: `${found.map((one) => one.toFixed(2)).join(', ')} ms`,
    limit: `the largest at most 1.3 × the smallest (it is ${ratio.toFixed(2)})`,
    reached: ratio <= 1.3,
  };
}
