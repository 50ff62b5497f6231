import type { IncomingHttpHeaders } from 'node:http';
import type { Logger } from 'pino';
import type { StatementTracer } from '#server/db/database.ts';
import type { TracesConfig } from './traces-config.ts';

export type SpanAttributes = Readonly<Record<string, string | number | boolean>>;

/** The span of one request, from its beginning to its end. */
export interface RequestSpan {
  /** Runs `work`, and all that it starts, within the span. */
  run<T>(work: () => T): T;
  /** @param code Connect's name of how the call ended */
  end(code: string, attributes: SpanAttributes): void;
}

/** What the server tells a collector of OpenTelemetry; `noTracing` tells nothing and costs nothing. */
export interface Tracing {
  /** Begins the span of a request; continues the trace of a caller who sent `traceparent`. Null when nothing is told. */
  request(name: string, headers: IncomingHttpHeaders, attributes: SpanAttributes): RequestSpan | null;
  /** Runs `work` in a span below the current one, or in a trace of its own; one that rejects is marked as failed. */
  span<T>(name: string, attributes: SpanAttributes, work: () => Promise<T>): Promise<T>;
  /** Sends an SQL statement in a span of its name, never with its parameters; undefined when nothing is told. */
  readonly statement: StatementTracer | undefined;
  /** The headers that let a receiver continue the current trace. */
  headers(): Readonly<Record<string, string>>;
  /** Sends what is not sent yet; takes a few seconds at most. */
  stop(): Promise<void>;
}

export const noTracing: Tracing = {
  request: () => null,
  span: (_name, _attributes, work) => work(),
  statement: undefined,
  headers: () => ({}),
  stop: async () => {},
};

/** Starts telling a collector, if one is configured; the library for that is loaded only then. */
export async function startTracing(config: TracesConfig | null, log: Logger): Promise<Tracing> {
  if (config === null) return noTracing;
  const { startOtlpTracing } = await import('./otlp-tracing.ts');
  return startOtlpTracing(config, log);
}
