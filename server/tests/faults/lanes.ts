import { setTimeout as sleep } from 'node:timers/promises';
import { type NatsProcess, startNats } from '../../../scripts/nats-process.ts';
import type { Cluster } from './cluster.ts';
import { FAULTS, type FaultKind, faults, type PlannedFault } from './plan.ts';
import type { FaultReceiver } from './receiver.ts';
import type { ServerSlot } from './server-slots.ts';

/** Everything that faults happen to. */
export interface Stage {
  readonly cluster: Cluster;
  readonly servers: readonly ServerSlot[];
  readonly receiver: FaultReceiver;
  nats: NatsProcess;
  /** Whether the database's folder is a file system that may be filled. */
  readonly diskMayFill: boolean;
}

export interface HappenedFault {
  readonly kind: FaultKind;
  readonly began: number;
  readonly ended: number;
  readonly what: string;
}

export interface Lanes {
  readonly happened: readonly HappenedFault[];
  /** Faults that ended otherwise than planned, such as a server that did not come up again. */
  readonly failures: readonly string[];
  /** Resolves when every fault has happened at least once. */
  readonly allOnce: Promise<void>;
  /** Lets what is under way come to its end, and begins nothing new. */
  stop(): Promise<void>;
}

type Perform = (fault: PlannedFault) => Promise<string>;

/** Lets faults happen, one after the other in each lane, the lanes beside each other. */
export function startLanes(seed: number, stage: Stage): Lanes {
  const happened: HappenedFault[] = [];
  const failures: string[] = [];
  const ending = new AbortController();
  const lanes: readonly [string, readonly FaultKind[]][] = [
    ['servers', FAULTS.servers],
    ['engines', [...FAULTS.engines, ...(stage.diskMayFill ? FAULTS.disk : [])]],
    ['receiver', FAULTS.receiver],
  ];
  const missing = new Set(lanes.flatMap(([, kinds]) => kinds));
  const { promise: allOnce, resolve: haveAll } = Promise.withResolvers<void>();

  const run = async (lane: string, kinds: readonly FaultKind[]): Promise<void> => {
    for (const fault of faults(seed, lane, kinds)) {
      await sleep(fault.after, undefined, { signal: ending.signal }).catch(() => {});
      if (ending.signal.aborted) return;
      const began = Date.now();
      try {
        const what = await performing[fault.kind](fault);
        happened.push({ kind: fault.kind, began, ended: Date.now(), what });
      } catch (error) {
        failures.push(`${fault.kind}: ${error instanceof Error ? error.message : String(error)}`);
      }
      missing.delete(fault.kind);
      if (missing.size === 0) haveAll();
    }
  };
  const performing = performers(stage);
  const all = lanes.map(([lane, kinds]) => run(lane, kinds));
  return {
    happened,
    failures,
    allOnce,
    async stop() {
      ending.abort();
      await Promise.all(all);
    },
  };
}

function performers(stage: Stage): Record<FaultKind, Perform> {
  const { cluster, servers, receiver } = stage;
  const chosen = ({ which }: PlannedFault): ServerSlot => {
    const server = servers[Math.floor(which * servers.length)];
    if (server === undefined) throw new Error('there is no server');
    return server;
  };
  /** Does it to a server that is up; one that a fault before has left down comes up first. */
  const withServer =
    (work: (server: ServerSlot, lasts: number) => Promise<void>): Perform =>
    async (fault) => {
      const server = chosen(fault);
      if (server.state() === 'down') await server.start();
      await work(server, fault.lasts);
      return `server ${server.index}`;
    };
  const mood: Perform = async ({ kind, lasts }) => {
    if (kind !== 'hangs' && kind !== 'doubles' && kind !== 'lies') throw new Error(`${kind} is no mood`);
    receiver.setMood(kind);
    await sleep(lasts);
    receiver.setMood('honest');
    return '';
  };
  return {
    hangs: mood,
    doubles: mood,
    lies: mood,
    'kill -9 of a server': withServer(async (server, lasts) => {
      await server.kill();
      await sleep(lasts);
      await server.start();
    }),
    'pause of a server': withServer(async (server, lasts) => {
      server.pause();
      await sleep(lasts);
      server.resume();
    }),
    'restart of a server': withServer(async (server, lasts) => {
      const code = await server.stop();
      if (code !== 0) throw new Error(`server ${server.index} was asked to stop and ended with ${code}`);
      await sleep(lasts);
      await server.start();
    }),
    async 'kill -9 of PostgreSQL'({ lasts }) {
      await cluster.kill();
      await sleep(lasts);
      await cluster.start();
      return '';
    },
    async 'stop of NATS'({ lasts }) {
      const { port } = stage.nats;
      await stage.nats.kill();
      await sleep(lasts);
      stage.nats = await startNats(port);
      return '';
    },
    async 'full disk'({ lasts }) {
      await cluster.fillDisk();
      await sleep(lasts);
      await cluster.freeDisk();
      return '';
    },
  };
}
