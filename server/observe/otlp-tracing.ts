import { AsyncLocalStorage } from 'node:async_hooks';
import {
  type Context,
  DiagLogLevel,
  defaultTextMapGetter,
  defaultTextMapSetter,
  diag,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import {
  defaultResource,
  detectResources,
  envDetector,
  resourceFromAttributes,
} from '@opentelemetry/resources';
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  BatchSpanProcessor,
  ParentBasedSampler,
  type Sampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import type { Logger } from 'pino';
import type { SpanAttributes, TracesConfig, Tracing } from './tracing.ts';

/** Limits how long an unreachable collector delays the shutdown. */
const STOP_MS = 3_000;

/** Codes that mark a span as failed; refusals by the rules do not. */
const FAULTS = new Set(['unknown', 'internal', 'unavailable', 'data_loss', 'deadline_exceeded']);

function samplerOf({ sampler, ratio }: TracesConfig): Sampler {
  const root = sampler.endsWith('ratio')
    ? new TraceIdRatioBasedSampler(ratio)
    : sampler.endsWith('on')
      ? new AlwaysOnSampler()
      : new AlwaysOffSampler();
  return sampler.startsWith('parentbased_') ? new ParentBasedSampler({ root }) : root;
}

/**
 * Sends traces by OTLP over HTTP. Nothing is registered globally: several servers can run in one process, and the current span
 * is in an async context of this instance.
 */
export function startOtlpTracing(config: TracesConfig, log: Logger): Tracing {
  const warn = (problem: string) => log.warn({ problem }, 'Traces could not be sent');
  diag.setLogger(
    { error: warn, warn, info() {}, debug() {}, verbose() {} },
    { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
  );
  const provider = new TracerProvider({
    sampler: samplerOf(config),
    resource: defaultResource()
      .merge(resourceFromAttributes({ 'service.name': 'forage' }))
      .merge(detectResources({ detectors: [envDetector] })),
    spanProcessors: [new BatchSpanProcessor({ exporter: new OTLPTraceExporter() })],
  });
  const tracer = provider.getTracer('forage');
  const propagator = new W3CTraceContextPropagator();
  const current = new AsyncLocalStorage<Context>();

  async function within<T>(
    name: string,
    kind: SpanKind,
    attributes: SpanAttributes,
    parent: Context,
    work: () => Promise<T>,
  ): Promise<T> {
    const span = tracer.startSpan(name, { kind, attributes }, parent);
    try {
      return await current.run(trace.setSpan(parent, span), work);
    } catch (error) {
      // Without the error's message, which may quote a user's text.
      const message = error instanceof Error ? error.name : typeof error;
      span.setStatus({ code: SpanStatusCode.ERROR, message });
      throw error;
    } finally {
      span.end();
    }
  }

  return {
    request(name, headers, attributes) {
      const parent = propagator.extract(ROOT_CONTEXT, headers, defaultTextMapGetter);
      const span = tracer.startSpan(name, { kind: SpanKind.SERVER, attributes }, parent);
      return {
        run: (work) => current.run(trace.setSpan(parent, span), work),
        end(code, more) {
          span.setAttributes(more);
          if (FAULTS.has(code)) span.setStatus({ code: SpanStatusCode.ERROR, message: code });
          span.end();
        },
      };
    },
    span: (name, attributes, work) =>
      within(name, SpanKind.INTERNAL, attributes, current.getStore() ?? ROOT_CONTEXT, work),
    statement(name, send) {
      const parent = current.getStore();
      // Statements of periodic work have no request: one trace for each would be noise.
      if (parent === undefined) return send();
      const attributes = { 'db.system.name': 'postgresql', 'db.query.summary': name };
      return within(name, SpanKind.CLIENT, attributes, parent, send);
    },
    headers() {
      const carrier: Record<string, string> = {};
      const context = current.getStore();
      if (context !== undefined) propagator.inject(context, carrier, defaultTextMapSetter);
      return carrier;
    },
    async stop() {
      const { promise: timeout, resolve } = Promise.withResolvers<void>();
      const timer = setTimeout(resolve, STOP_MS);
      await Promise.race([provider.shutdown().catch(() => {}), timeout]);
      clearTimeout(timer);
    },
  };
}
