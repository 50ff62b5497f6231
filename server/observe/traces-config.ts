export const SAMPLERS = [
  'always_on',
  'always_off',
  'traceidratio',
  'parentbased_always_on',
  'parentbased_always_off',
  'parentbased_traceidratio',
] as const;

/** How traces are made; where they go, the exporter reads itself from the usual variables (`OTEL_EXPORTER_OTLP_…`). */
export interface TracesConfig {
  readonly sampler: (typeof SAMPLERS)[number];
  /** Of the `ratio` samplers: the share of traces that is kept, from 0 to 1. */
  readonly ratio: number;
}
