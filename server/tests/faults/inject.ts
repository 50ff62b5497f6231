import { setTimeout as sleep } from 'node:timers/promises';
import { type NatsProcess, startNats } from '../../../scripts/nats-process.ts';
import type { Cluster } from './cluster.ts';
import { FAULTS, type FaultKind, faults, type PlannedFault } from './plan.ts';
import type { FaultReceiver } from './receiver.ts';
import type { ServerSlot } from './server-slots.ts';

/** The targets of faults. */
export interface FaultTargets {
  readonly cluster: Cluster;
  readonly servers: readonly ServerSlot[];
  readonly receiver: FaultReceiver;
  nats: NatsProcess;
  /** Whether the database has its own file system, so that its disk can be filled. */
  readonly canFillDisk: boolean;
}

export interface InjectedFault {
  readonly kind: FaultKind;
  readonly began: number;
  readonly ended: number;
  readonly what: string;
}

export interface FaultInjection {
  readonly injected: readonly InjectedFault[];
  /** Faults that did not go as planned, such as a server that did not start again. */
  readonly failures: readonly string[];
  /** Resolves when every kind of fault was injected at least once. */
  readonly allInjected: Promise<void>;
  /** Waits for current faults, and starts no new one. */
  stop(): Promise<void>;
}

/** Injects a fault, undoes it, and returns a description of its target. */
type Inject = (fault: PlannedFault) => Promise<string>;

/** Injects faults: the groups run in parallel, the faults of a group in sequence. */
export function startFaults(seed: number, targets: FaultTargets): FaultInjection {
  const injected: InjectedFault[] = [];
  const failures: string[] = [];
  const ending = new AbortController();
  const groups: readonly [string, readonly FaultKind[]][] = [
    ['servers', FAULTS.servers],
    ['engines', [...FAULTS.engines, ...(targets.canFillDisk ? FAULTS.disk : [])]],
    ['receiver', FAULTS.receiver],
  ];
  const missing = new Set(groups.flatMap(([, kinds]) => kinds));
  const { promise: allInjected, resolve: resolveAll } = Promise.withResolvers<void>();

  const run = async (group: string, kinds: readonly FaultKind[]): Promise<void> => {
    for (const fault of faults(seed, group, kinds)) {
      await sleep(fault.delay, undefined, { signal: ending.signal }).catch(() => {});
      if (ending.signal.aborted) return;
      const began = Date.now();
      try {
        const what = await injectors[fault.kind](fault);
        injected.push({ kind: fault.kind, began, ended: Date.now(), what });
      } catch (error) {
        failures.push(`${fault.kind}: ${error instanceof Error ? error.message : String(error)}`);
      }
      missing.delete(fault.kind);
      if (missing.size === 0) resolveAll();
    }
  };
  const injectors = injectorsFor(targets);
  const all = groups.map(([group, kinds]) => run(group, kinds));
  return {
    injected,
    failures,
    allInjected,
    async stop() {
      ending.abort();
      await Promise.all(all);
    },
  };
}

function injectorsFor(targets: FaultTargets): Record<FaultKind, Inject> {
  const { cluster, servers, receiver } = targets;
  const serverOf = ({ which }: PlannedFault): ServerSlot => {
    const server = servers[Math.floor(which * servers.length)];
    if (server === undefined) throw new Error('No server');
    return server;
  };
  /** Injects a fault into a server; starts it first if it is down. */
  const withServer =
    (work: (server: ServerSlot, duration: number) => Promise<void>): Inject =>
    async (fault) => {
      const server = serverOf(fault);
      if (server.state() === 'down') await server.start();
      await work(server, fault.duration);
      return `server ${server.index}`;
    };
  const behaviour: Inject = async ({ kind, duration }) => {
    if (kind !== 'hangs' && kind !== 'repeats' && kind !== 'misreports')
      throw new Error(`${kind} is not a behaviour of the receiver`);
    receiver.setBehaviour(kind);
    await sleep(duration);
    receiver.setBehaviour('normal');
    return '';
  };
  return {
    hangs: behaviour,
    repeats: behaviour,
    misreports: behaviour,
    'kill -9 of a server': withServer(async (server, duration) => {
      await server.kill();
      await sleep(duration);
      await server.start();
    }),
    'pause of a server': withServer(async (server, duration) => {
      server.pause();
      await sleep(duration);
      server.resume();
    }),
    'restart of a server': withServer(async (server, duration) => {
      const code = await server.stop();
      if (code !== 0) throw new Error(`server ${server.index} was stopped and exited with ${code}`);
      await sleep(duration);
      await server.start();
    }),
    async 'kill -9 of PostgreSQL'({ duration }) {
      await cluster.kill();
      await sleep(duration);
      await cluster.start();
      return '';
    },
    async 'stop of NATS'({ duration }) {
      const { port } = targets.nats;
      await targets.nats.kill();
      await sleep(duration);
      targets.nats = await startNats(port);
      return '';
    },
    async 'full disk'({ duration }) {
      await cluster.fillDisk();
      await sleep(duration);
      await cluster.freeDisk();
      return '';
    },
  };
}
