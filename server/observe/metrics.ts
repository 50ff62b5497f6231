import type { Pool } from 'pg';
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { BusState } from '#server/signals/bus.ts';

/** Why a worker ran: a signal, its periodic sweep, a due time, its start, or signals that it may have missed. */
export type WakeCause = 'signal' | 'sweep' | 'due' | 'start' | 'missed';

export type DeliveryOutcome = 'succeeded' | 'failed' | 'timed_out' | 'left_running' | 'given_up';

/** Stages that wait at a gate, by state. */
export interface WaitingGates {
  readonly state: 'awaiting_approval' | 'pending';
  readonly count: number;
  /** When the stage that has waited longest was requested. */
  readonly since: Date | null;
}

export interface PlaceCounts {
  /** Pairs of a destination and a project of which it is uncertain what runs there. */
  readonly uncertain: number;
  /** Destinations that a cancelled or timed-out delivery still occupies. */
  readonly occupied: number;
  /** Environments of a project in which a rollback holds newer builds. */
  readonly held: number;
}

/** Deliveries whose gate is open and that have not started. */
export interface WaitingDeliveries {
  /** Their destination is free: a server has to take them. */
  readonly ready: number;
  /** Another delivery runs at their destination, or still occupies it. */
  readonly busy: number;
}

/** Where the gauges are read from when metrics are collected. */
export interface MetricSources {
  readonly pool: Pick<Pool, 'totalCount' | 'idleCount' | 'waitingCount'>;
  readonly signals: () => BusState;
  /** May reject when the database is unavailable: its gauges are then left out. */
  readonly waiting: () => Promise<readonly WaitingGates[]>;
  /** The same. */
  readonly places: () => Promise<PlaceCounts>;
  /** The same. */
  readonly deliveries: () => Promise<WaitingDeliveries>;
  /** The same: bytes of the files of all builds. */
  readonly storedBytes: () => Promise<number>;
  /** How far the server's clock is ahead of the database's, in milliseconds. */
  readonly clockDifference: () => number;
  /** When the certificate expires; null without TLS. */
  readonly certificateEnd: (() => Date) | null;
  readonly now: () => Date;
}

interface CalledMethod {
  readonly name: string;
  readonly methodKind: string;
  readonly parent: { readonly typeName: string };
}

/** One label for all unknown methods, because callers can invent any number of them. */
const UNKNOWN: CalledMethod = { name: 'unknown', methodKind: 'none', parent: { typeName: 'unknown' } };
const BUS_STATES: readonly BusState[] = ['in-process', 'connected', 'away'];

/** The metrics of one server. Labels never name an organisation, a project or a person. */
export type Metrics = ReturnType<typeof createMetrics>;

/** New metrics, independent of other servers in the same process. */
export function createMetrics(sources: MetricSources) {
  const registry = new Registry();
  const registers = [registry];
  // The default of 10 ms would wake an idle process 100 times a second.
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: 200 });
  const counter = <Label extends string>(name: string, help: string, labelNames: Label[]) =>
    new Counter({ name, help, labelNames, registers });
  const gauge = <Label extends string>(
    name: string,
    help: string,
    labelNames: Label[],
    collect?: (this: Gauge<Label>) => void,
  ) => new Gauge<Label>({ name, help, labelNames, registers, ...(collect && { collect }) });

  const requests = counter('forage_requests_total', 'Calls that have ended, by method and code.', [
    'service',
    'method',
    'code',
  ]);
  const durations = new Histogram({
    name: 'forage_request_duration_seconds',
    help: 'Duration of calls by method, without streams.',
    labelNames: ['service', 'method'] as const,
    buckets: [0.005, 0.02, 0.1, 0.5, 2, 10],
    registers,
  });
  const evaluations = counter('forage_evaluations_total', 'Releases evaluated by the coordinator.', []);
  const wakeUps = counter('forage_wakeups_total', 'Runs of the coordinator and the dispatcher, by cause.', [
    'worker',
    'cause',
  ]);
  const deliveries = counter(
    'forage_deliveries_total',
    'Deliveries that ended on this server, by outcome; left_running is counted again when the outcome is known.',
    ['outcome'],
  );
  const superseded = counter(
    'forage_stages_superseded_total',
    'Stages that ended because a newer build was live at their destinations.',
    [],
  );
  const inFlight = gauge('forage_deliveries_in_flight', 'Deliveries under way on this server.', []);
  const postponed = counter(
    'forage_deliveries_postponed_total',
    'Starts of deliveries that were put off because the server makes as many as it may for one organisation, or in all.',
    [],
  );
  const waitingDeliveries = gauge(
    'forage_deliveries_waiting',
    'Queued deliveries whose gate is open: a server has to take them (ready), or their destination is at work on another one (busy).',
    ['state'],
  );
  const waitingGates = gauge(
    'forage_gates_waiting',
    'Stages waiting at a gate: for approvals (awaiting_approval), or for time or a branch (pending).',
    ['state'],
  );
  const oldest = gauge(
    'forage_gates_oldest_waiting_seconds',
    'How long the oldest stage has waited at a gate.',
    ['state'],
  );
  const unsettled = gauge(
    'forage_destinations_unsettled',
    'Destinations of which it is uncertain what a project runs there (uncertain, counted for each project), or that a cancelled or timed-out delivery still occupies (occupied).',
    ['state'],
  );
  const held = gauge(
    'forage_environments_on_hold',
    'Environments in which a rollback holds newer builds, counted for each project.',
    [],
  );
  const stored = gauge('forage_stored_bytes', 'Bytes of the files of all builds in the database.', []);
  const database = gauge(
    'forage_database_up',
    'Whether the database answered the last query for metrics.',
    [],
  );
  gauge('forage_database_connections', 'Connections of the pool, by state.', ['state'], function () {
    const { totalCount, idleCount } = sources.pool;
    this.set({ state: 'idle' }, idleCount);
    this.set({ state: 'busy' }, totalCount - idleCount);
  });
  gauge('forage_database_waiting', 'Statements waiting for a free connection.', [], function () {
    this.set(sources.pool.waitingCount);
  });
  gauge('forage_signals_state', 'State of the message bus: 1 for the current state.', ['state'], function () {
    for (const state of BUS_STATES) this.set({ state }, state === sources.signals() ? 1 : 0);
  });
  gauge(
    'forage_clock_difference_seconds',
    "How far the server's clock is ahead of the database's; beyond 30 s it starts no deliveries.",
    [],
    function () {
      this.set(sources.clockDifference() / 1_000);
    },
  );
  const { certificateEnd } = sources;
  // Absent without TLS: a gauge starts at 0, which would mean an expired certificate.
  if (certificateEnd !== null)
    gauge(
      'forage_certificate_end_timestamp_seconds',
      'Expiry of the certificate, in seconds of Unix time.',
      [],
      function () {
        this.set(certificateEnd().getTime() / 1_000);
      },
    );

  const readGates = async () => {
    try {
      for (const { state, count, since } of await sources.waiting()) {
        waitingGates.set({ state }, count);
        const age = since === null ? 0 : (sources.now().getTime() - since.getTime()) / 1000;
        oldest.set({ state }, Math.max(0, age));
      }
      const places = await sources.places();
      unsettled.set({ state: 'uncertain' }, places.uncertain);
      unsettled.set({ state: 'occupied' }, places.occupied);
      held.set(places.held);
      const { ready, busy } = await sources.deliveries();
      waitingDeliveries.set({ state: 'ready' }, ready);
      waitingDeliveries.set({ state: 'busy' }, busy);
      stored.set(await sources.storedBytes());
      database.set(1);
    } catch {
      // An old value would look current.
      waitingGates.reset();
      oldest.reset();
      unsettled.reset();
      held.reset();
      stored.reset();
      waitingDeliveries.reset();
      database.set(0);
    }
  };

  return {
    /** A call ended with this code; `called` is null when the contract does not have its method. */
    requestEnded(called: CalledMethod | null, code: string, seconds: number): void {
      const { name: method, parent, methodKind } = called ?? UNKNOWN;
      const service = parent.typeName;
      requests.inc({ service, method, code });
      if (methodKind === 'unary') durations.observe({ service, method }, seconds);
    },
    woken: (worker: 'coordinator' | 'dispatcher', cause: WakeCause) => wakeUps.inc({ worker, cause }),
    evaluated: () => evaluations.inc(),
    superseded: (stages: number) => superseded.inc(stages),
    deliveryBegun: () => inFlight.inc(),
    deliveryPostponed: () => postponed.inc(),
    deliveryEnded(outcome: DeliveryOutcome): void {
      inFlight.dec();
      deliveries.inc({ outcome });
    },
    /** A delivery ended whose destination had accepted it: by its report, or because none arrived in time. */
    deliveryReported: (outcome: 'succeeded' | 'failed' | 'timed_out') => deliveries.inc({ outcome }),
    contentType: registry.contentType,
    /** All metrics in the text format of Prometheus. */
    async text(): Promise<string> {
      await readGates();
      return registry.metrics();
    },
  };
}
