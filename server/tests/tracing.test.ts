import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { BinaryReader } from '@bufbuild/protobuf/wire';
import { createClient } from '@connectrpc/connect';
import { createGrpcTransport } from '@connectrpc/connect-node';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readConfig } from '#server/config.ts';
import { PolicyService } from '#server/gen/forest/v1/policies_pb.ts';
import { eventually, startTestApp, type TestApp } from './harness.ts';
import { answer, startReceiver } from './webhook-receiver.ts';
import { ended, type World, world } from './world.ts';

interface Told {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentId: string;
  readonly name: string;
  readonly attributes: ReadonlyMap<string, string>;
  readonly service: string;
}

const told: Told[] = [];
const headersSeen: NodeJS.Dict<string | string[]>[] = [];
let collector: Server;
let app: TestApp;
let w: World;
const before = { ...process.env };

beforeAll(async () => {
  collector = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      headersSeen.push({ url: request.url, ...request.headers });
      told.push(...spansOf(Buffer.concat(chunks)));
      response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end();
    });
  });
  await new Promise<void>((resolve) => collector.listen(0, '127.0.0.1', resolve));
  const { port } = collector.address() as AddressInfo;
  // The exporter reads them itself.
  Object.assign(process.env, {
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`,
    OTEL_EXPORTER_OTLP_HEADERS: 'x-tenant=forage-tests',
    OTEL_SERVICE_NAME: 'forage-under-test',
  });
  app = await startTestApp({ config: { traces: readConfig(process.env).traces } });
  w = await world(app);
});
afterAll(async () => {
  for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name];
  await app?.stop();
  collector.close();
});

test('a call’s spans continue the caller’s trace, down to the statements; everything is sent before a stop ends', async () => {
  const receiver = await startReceiver(answer(200));
  try {
    const traceId = '0af7651916cd43dd8448eb211c80319c';
    const transport = createGrpcTransport({
      baseUrl: app.url,
      interceptors: [
        (next) => (request) => {
          request.header.set('authorization', `Bearer ${w.reviewer.token}`);
          request.header.set('traceparent', `00-${traceId}-b7ad6b7169203331-01`);
          request.header.set('x-request-id', 'the-traced-one');
          return next(request);
        },
      ],
    });
    await createClient(PolicyService, transport).listPolicies({ project: w.project });

    const { organisation } = w;
    const metadata = { url: receiver.url, secret: `whsec_${Buffer.alloc(32, 7).toString('base64')}` };
    const type = { organisation: 'forage', name: 'webhook', version: 1n };
    await w.admin.destinations.createDestination({
      organisation,
      name: 'hooked',
      environment: 'staging',
      type,
      metadata,
    });
    const { artifactId } = await w.artifact();
    const { intents } = await w.author.releases.release({ artifactId, destinations: ['hooked'] });
    await ended(w, intents[0]?.releaseIntentId ?? '');
    await app.stop();

    const call = told.find((span) => span.traceId === traceId && span.parentId === 'b7ad6b7169203331');
    expect(call).toMatchObject({
      name: 'forest.v1.PolicyService/ListPolicies',
      service: 'forage-under-test',
    });
    expect(Object.fromEntries(call?.attributes ?? [])).toMatchObject({
      'rpc.method': 'forest.v1.PolicyService/ListPolicies',
      'rpc.system.name': 'grpc',
      'rpc.response.status_code': 'ok',
      'forage.request_id': 'the-traced-one',
    });
    const below = told.filter((span) => span.parentId === call?.spanId);
    expect(below.map((span) => span.attributes.get('db.system.name'))).toContain('postgresql');
    expect(below.every((span) => span.traceId === traceId)).toBe(true);

    const delivery = told.find((span) => span.name === 'deliver a release');
    const [hooked] = receiver.received;
    expect(hooked?.headers['traceparent']).toBe(`00-${delivery?.traceId}-${delivery?.spanId}-01`);
    expect(told.some((span) => span.name === 'evaluate a release')).toBe(true);
    // Values stay here: no parameter, nobody's name.
    expect(JSON.stringify(told.map((span) => [span.name, ...span.attributes]))).not.toContain(w.organisation);
    expect(headersSeen[0]).toMatchObject({ url: '/v1/traces', 'x-tenant': 'forage-tests' });
  } finally {
    await receiver.close();
  }
});

test('a server that is not told where to send traces makes none', async () => {
  expect(readConfig({}).traces).toBeNull();
  const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318' };
  expect(readConfig(endpoint).traces).toEqual({ sampler: 'parentbased_always_on', ratio: 1 });
  expect(readConfig({ ...endpoint, OTEL_SDK_DISABLED: 'true' }).traces).toBeNull();
  expect(readConfig({ ...endpoint, OTEL_TRACES_EXPORTER: 'none' }).traces).toBeNull();
  const ratio = { OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '0.25' };
  expect(readConfig({ ...endpoint, ...ratio }).traces).toEqual({ sampler: 'traceidratio', ratio: 0.25 });
  for (const wrong of [
    { OTEL_TRACES_SAMPLER: 'sometimes' },
    { OTEL_TRACES_SAMPLER_ARG: '2' },
    { OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' },
    { OTEL_TRACES_EXPORTER: 'zipkin' },
  ]) {
    const [name = ''] = Object.keys(wrong);
    expect(() => readConfig({ ...endpoint, ...wrong })).toThrow(name);
  }
});

test('the library is not loaded without', async () => {
  const { startTracing, noTracing } = await import('#server/observe/tracing.ts');
  expect(await startTracing(null, app.context.log)).toBe(noTracing);
  expect(noTracing.headers()).toEqual({});
  await eventually(async () => headersSeen.length > 0, 'the collector to have been told');
});

/** The spans of an ExportTraceServiceRequest, read by the field numbers of opentelemetry-proto. */
function spansOf(bytes: Uint8Array): Told[] {
  const spans: Told[] = [];
  for (const resourceSpans of fields(bytes, 1)) {
    const [resource] = fields(resourceSpans, 1);
    const service = (resource && attributesOf(resource, 1).get('service.name')) ?? '';
    for (const scopeSpans of fields(resourceSpans, 2)) {
      for (const span of fields(scopeSpans, 2)) {
        const hex = (number: number) => Buffer.from(fields(span, number)[0] ?? []).toString('hex');
        spans.push({
          traceId: hex(1),
          spanId: hex(2),
          parentId: hex(4),
          name: Buffer.from(fields(span, 5)[0] ?? []).toString(),
          attributes: attributesOf(span, 9),
          service,
        });
      }
    }
  }
  return spans;
}

const attributesOf = (message: Uint8Array, number: number): Map<string, string> =>
  new Map(
    fields(message, number).map((attribute) => {
      const [value] = fields(attribute, 2);
      const text = value === undefined ? undefined : fields(value, 1)[0];
      return [Buffer.from(fields(attribute, 1)[0] ?? []).toString(), Buffer.from(text ?? []).toString()];
    }),
  );

/** The values of one length-delimited field of a message. */
function fields(message: Uint8Array, wanted: number): Uint8Array[] {
  const reader = new BinaryReader(message);
  const found: Uint8Array[] = [];
  while (reader.pos < reader.len) {
    const [number, wireType] = reader.tag();
    if (number === wanted && wireType === 2) found.push(reader.bytes());
    else reader.skip(wireType, number);
  }
  return found;
}
