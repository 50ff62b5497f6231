import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { BinaryReader } from '@bufbuild/protobuf/wire';
import { createClient } from '@connectrpc/connect';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readConfig } from '#server/config.ts';
import { PolicyService } from '#server/gen/forest/v1/policies_pb.ts';
import { eventually, startTestApp, type TestApp } from './harness.ts';
import { PROTOCOLS } from './protocols.ts';
import { answer, startReceiver } from './webhook-receiver.ts';
import { ended, type World, world } from './world.ts';

type SeenSpan = ReturnType<typeof spansOf>[number];

const seen: SeenSpan[] = [];
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
      seen.push(...spansOf(Buffer.concat(chunks)));
      response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end();
    });
  });
  await new Promise<void>((resolve) => collector.listen(0, '127.0.0.1', resolve));
  const { port } = collector.address() as AddressInfo;
  // Read by the exporter.
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

test('spans of a call and its statements continue the caller’s trace, and are sent before the shutdown ends', async () => {
  const receiver = await startReceiver(answer(200));
  try {
    const traceId = '0af7651916cd43dd8448eb211c80319c';
    const headers = {
      authorization: `Bearer ${w.reviewer.token}`,
      traceparent: `00-${traceId}-b7ad6b7169203331-01`,
      'x-request-id': 'the-traced-one',
    };
    await createClient(PolicyService, PROTOCOLS.gRPC(app.url, { headers })).listPolicies({
      project: w.project,
    });

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

    const call = seen.find((span) => span.traceId === traceId && span.parentId === 'b7ad6b7169203331');
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
    const below = seen.filter((span) => span.parentId === call?.spanId);
    expect(below.map((span) => span.attributes.get('db.system.name'))).toContain('postgresql');
    expect(below.every((span) => span.traceId === traceId)).toBe(true);

    const delivery = seen.find((span) => span.name === 'deliver a release');
    const [hooked] = receiver.received;
    expect(hooked?.headers['traceparent']).toBe(`00-${delivery?.traceId}-${delivery?.spanId}-01`);
    expect(seen.some((span) => span.name === 'evaluate a release')).toBe(true);
    // Without parameters and names.
    expect(JSON.stringify(seen.map((span) => [span.name, ...span.attributes]))).not.toContain(w.organisation);
    expect(headersSeen[0]).toMatchObject({ url: '/v1/traces', 'x-tenant': 'forage-tests' });
  } finally {
    await receiver.close();
  }
});

test('the library is not loaded without a collector', async () => {
  const { startTracing, noTracing } = await import('#server/observe/tracing.ts');
  expect(await startTracing(null, app.context.log)).toBe(noTracing);
  expect(noTracing.headers()).toEqual({});
  await eventually(async () => headersSeen.length > 0, 'a request to the collector');
});

/** The spans of an ExportTraceServiceRequest, decoded by the field numbers of opentelemetry-proto. */
const spansOf = (bytes: Uint8Array) =>
  fields(bytes, 1).flatMap((resourceSpans) => {
    const [resource = new Uint8Array()] = fields(resourceSpans, 1);
    const service = attributesOf(resource, 1).get('service.name');
    const spans = fields(resourceSpans, 2).flatMap((scopeSpans) => fields(scopeSpans, 2));
    return spans.map((span) => {
      const hex = (number: number) => Buffer.from(fields(span, number)[0] ?? []).toString('hex');
      const [traceId, spanId, parentId] = [hex(1), hex(2), hex(4)];
      const name = Buffer.from(fields(span, 5)[0] ?? []).toString();
      return { traceId, spanId, parentId, name, attributes: attributesOf(span, 9), service };
    });
  });

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
