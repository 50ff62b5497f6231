import type { IncomingHttpHeaders } from 'node:http';
import type { Logger } from 'pino';
import type { StatementTracer } from '#server/db/database.ts';

export const SAMPLERS = [
  'always_on',
  'always_off',
  'traceidratio',
  'parentbased_always_on',
  'parentbased_always_off',
  'parentbased_traceidratio',
] as const;

/** How traces are sampled. The exporter reads its own settings from the standard variables (`OTEL_EXPORTER_OTLP_…`). */
export interface TracesConfig {
  readonly sampler: (typeof SAMPLERS)[number];
  /** For the `ratio` samplers: the share of traces to keep, from 0 to 1. */
  readonly ratio: number;
}

export type SpanAttributes = Readonly<Record<string, string | number | boolean>>;

/** The span of one request. */
export interface RequestSpan {
  /** Runs `work`, and everything that it starts, within the span. */
  run<T>(work: () => T): T;
  /** @param code the outcome of the call by Connect's name, or `ok` */
  end(code: string, attributes: SpanAttributes): void;
}

/** Traces for an OpenTelemetry collector; `noTracing` records nothing. */
export interface Tracing {
  /** Starts the span of a request, within the caller's trace if there is a `traceparent`. Null without tracing. */
  request(name: string, headers: IncomingHttpHeaders, attributes: SpanAttributes): RequestSpan | null;
  /** Runs `work` in a child of the current span, or in a new trace; the span is marked as failed when it rejects. */
  span<T>(name: string, attributes: SpanAttributes, work: () => Promise<T>): Promise<T>;
  /** Runs an SQL statement in a span with its name, without its parameters; undefined without tracing. */
  readonly statement: StatementTracer | undefined;
  /** Headers by which a receiver can continue the current trace. */
  headers(): Readonly<Record<string, string>>;
  /** Sends the remaining spans; takes a few seconds at most. */
  stop(): Promise<void>;
}

export const noTracing: Tracing = {
  request: () => null,
  span: (_name, _attributes, work) => work(),
  statement: undefined,
  headers: () => ({}),
  stop: async () => {},
};

/** Starts tracing if a collector is configured; the library is loaded only then. */
export async function startTracing(config: TracesConfig | null, log: Logger): Promise<Tracing> {
  if (config === null) return noTracing;
  const { startOtlpTracing } = await import('./otlp-tracing.ts');
  return startOtlpTracing(config, log);
}
