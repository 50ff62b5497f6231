import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { BusState } from '#server/signals/bus.ts';

/** Why a worker looked: a signal, its slow sweep, a due time, its start, or signals that may have been missed. */
export type WakeCause = 'signal' | 'sweep' | 'due' | 'start' | 'missed';

export type DeliveryOutcome = 'succeeded' | 'failed' | 'timed_out' | 'left_running' | 'given_up';

/** Releases that wait at a gate, by the state of their stage. */
export interface WaitingGates {
  readonly state: 'awaiting_approval' | 'pending';
  readonly count: number;
  /** When the one that waits longest was first asked for. */
  readonly since: Date | null;
}

/** What is not counted as it happens but read when somebody asks. */
export interface MetricSources {
  readonly pool: () => { readonly total: number; readonly idle: number; readonly waiting: number };
  readonly signals: () => BusState;
  /** May reject when the database is away: the figures are then left out. */
  readonly waiting: () => Promise<readonly WaitingGates[]>;
  /** Until when the certificate in use holds; null without TLS. */
  readonly certificateEnd: (() => Date) | null;
  readonly now: () => Date;
}

interface CalledMethod {
  readonly name: string;
  readonly methodKind: string;
  readonly parent: { readonly typeName: string };
}

/** The figures of one server. Labels never name an organisation, a project or a person. */
export interface Metrics {
  /** A call that has ended, with Connect's name of its code; `method` null for what the contract does not have. */
  requestEnded(method: CalledMethod | null, code: string, seconds: number): void;
  /** The coordinator or the dispatcher looked. */
  woken(worker: 'coordinator' | 'dispatcher', cause: WakeCause): void;
  evaluated(): void;
  deliveryBegun(): void;
  deliveryEnded(outcome: DeliveryOutcome): void;
  /** A release that was left running has ended: by its destination's report, or because none came in time. */
  deliveryReported(outcome: 'succeeded' | 'failed' | 'timed_out'): void;
  readonly contentType: string;
  /** Everything, in the text format of Prometheus. */
  text(): Promise<string>;
}

/** Whatever the contract does not have: one label for all of it, as callers make such names up. */
const UNKNOWN: CalledMethod = { name: 'unknown', methodKind: 'none', parent: { typeName: 'unknown' } };
const BUS_STATES: readonly BusState[] = ['in-process', 'connected', 'away'];
/** How old the figures that cost a statement may be: several scrapers share one look. */
const WAITING_MAX_AGE_MS = 5_000;

/** New figures that share nothing with another server's in the same process. */
export function createMetrics(sources: MetricSources): Metrics {
  const registry = new Registry();
  const registers = [registry];
  // The default of 10 ms would wake an idle process a hundred times a second.
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: 200 });

  const requests = new Counter({
    name: 'forage_requests_total',
    help: 'Calls that have ended, by method and code.',
    labelNames: ['service', 'method', 'code'] as const,
    registers,
  });
  const durations = new Histogram({
    name: 'forage_request_duration_seconds',
    help: 'How long calls took, by method; streams are left out.',
    labelNames: ['service', 'method'] as const,
    buckets: [0.005, 0.02, 0.1, 0.5, 2, 10],
    registers,
  });
  const evaluations = new Counter({
    name: 'forage_evaluations_total',
    help: 'Releases that the coordinator has evaluated.',
    registers,
  });
  const wakeUps = new Counter({
    name: 'forage_wakeups_total',
    help: 'Looks of the coordinator and the dispatcher, by what caused them.',
    labelNames: ['worker', 'cause'] as const,
    registers,
  });
  const deliveries = new Counter({
    name: 'forage_deliveries_total',
    help: 'Deliveries that this server has ended, by outcome; left_running is counted again when the outcome is known.',
    labelNames: ['outcome'] as const,
    registers,
  });
  const inFlight = new Gauge({
    name: 'forage_deliveries_in_flight',
    help: 'Deliveries that this server carries out now.',
    registers,
  });
  const waitingGates = new Gauge({
    name: 'forage_gates_waiting',
    help: 'Stages that wait at a gate: for approvals (awaiting_approval), or for time or a branch (pending).',
    labelNames: ['state'] as const,
    registers,
  });
  const oldest = new Gauge({
    name: 'forage_gates_oldest_waiting_seconds',
    help: 'Since when the stage that has waited longest at a gate has waited.',
    labelNames: ['state'] as const,
    registers,
  });
  const database = new Gauge({
    name: 'forage_database_up',
    help: 'Whether the database answered when it was last asked for these figures.',
    registers,
  });
  const connections = new Gauge({
    name: 'forage_database_connections',
    help: 'Connections of the pool, by state.',
    labelNames: ['state'] as const,
    registers,
  });
  const queue = new Gauge({
    name: 'forage_database_waiting',
    help: 'Statements that wait for a free connection.',
    registers,
  });
  const signals = new Gauge({
    name: 'forage_signals_state',
    help: 'How far signals reach: 1 for the state that holds.',
    labelNames: ['state'] as const,
    registers,
  });

  const { certificateEnd } = sources;
  // Without TLS it is not there at all: a gauge begins at 0, and that would be a certificate that has ended.
  if (certificateEnd !== null) {
    new Gauge({
      name: 'forage_certificate_end_timestamp_seconds',
      help: 'Until when the certificate in use holds, in seconds of Unix time.',
      registers,
      collect() {
        this.set(certificateEnd().getTime() / 1_000);
      },
    });
  }

  /** Calls by method and code, counted here: the counter's way of finding its labels costs more than all else of a call. */
  const ended = new Map<
    CalledMethod,
    { readonly codes: Map<string, number>; readonly observe: (seconds: number) => void }
  >();
  let looked = Number.NEGATIVE_INFINITY;
  let looking: Promise<void> | null = null;
  const look = async () => {
    try {
      const found = await sources.waiting();
      for (const { state, count, since } of found) {
        waitingGates.set({ state }, count);
        const age = since === null ? 0 : (sources.now().getTime() - since.getTime()) / 1000;
        oldest.set({ state }, Math.max(0, age));
      }
      database.set(1);
    } catch {
      // An old figure would look like a true one.
      waitingGates.reset();
      oldest.reset();
      database.set(0);
    } finally {
      looked = performance.now();
      looking = null;
    }
  };

  return {
    requestEnded(method, code, seconds) {
      const key = method ?? UNKNOWN;
      let tally = ended.get(key);
      if (tally === undefined) {
        const { observe } = durations.labels(key.parent.typeName, key.name);
        tally = { codes: new Map(), observe };
        ended.set(key, tally);
      }
      tally.codes.set(code, (tally.codes.get(code) ?? 0) + 1);
      if (key.methodKind === 'unary') tally.observe(seconds);
    },
    woken: (worker, cause) => wakeUps.inc({ worker, cause }),
    evaluated: () => evaluations.inc(),
    deliveryBegun: () => inFlight.inc(),
    deliveryEnded(outcome) {
      inFlight.dec();
      deliveries.inc({ outcome });
    },
    deliveryReported: (outcome) => deliveries.inc({ outcome }),
    contentType: registry.contentType,
    async text() {
      requests.reset();
      for (const [{ name, parent }, { codes }] of ended) {
        for (const [code, count] of codes)
          requests.inc({ service: parent.typeName, method: name, code }, count);
      }
      const { total, idle, waiting } = sources.pool();
      connections.set({ state: 'idle' }, idle);
      connections.set({ state: 'busy' }, total - idle);
      queue.set(waiting);
      const state = sources.signals();
      for (const one of BUS_STATES) signals.set({ state: one }, one === state ? 1 : 0);
      if (performance.now() - looked > WAITING_MAX_AGE_MS) looking ??= look();
      await looking;
      return registry.metrics();
    },
  };
}
