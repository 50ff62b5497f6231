import { once } from 'node:events';
import { create, toBinary } from '@bufbuild/protobuf';
import { ViolationsSchema } from '@bufbuild/protovalidate/gen/buf/validate/validate_pb.js';
import { Code, createClient } from '@connectrpc/connect';
import { credentials, Client as GrpcJsClient, type ServiceError, status } from '@grpc/grpc-js';
import { afterAll, describe, expect, test } from 'vitest';
import { ArtifactService } from '#server/gen/forest/v1/artifacts_pb.ts';
import { StatusService } from '#server/gen/forest/v1/health_pb.ts';
import { PolicyService } from '#server/gen/forest/v1/policies_pb.ts';
import {
  ReleaseIntentStatus,
  ReleaseService,
  type WaitReleaseEvent,
  WaitReleaseRequestSchema,
} from '#server/gen/forest/v1/releases_pb.ts';
import { subjects } from '#server/signals/bus.ts';
import { gatedRelease, voteOn } from './gate-world.ts';
import { eventually, startTestApp } from './harness.ts';
import { PROTOCOLS } from './protocols.ts';
import { refusal } from './refusal.ts';
import { dial, http2 } from './sockets.ts';
import { world } from './world.ts';

const UNKNOWN = '01890000-0000-7000-8000-000000000000';

const app = await startTestApp();
afterAll(() => app.stop());
const w = await world(app);
await w.approvalPolicy(1);

const as = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });

describe.each(Object.entries(PROTOCOLS))('%s', (name, make) => {
  const client = () => {
    const transport = make(app.url, as(w.reviewer.token));
    return {
      policies: createClient(PolicyService, transport),
      releases: createClient(ReleaseService, transport),
      artifacts: createClient(ArtifactService, transport),
    };
  };

  test('answers calls', async () => {
    await expect(createClient(StatusService, make(app.url)).status({})).resolves.toBeDefined();
    const query = { case: 'organisation', value: { organisation: w.organisation } } as const;
    expect((await client().releases.getProjects({ query })).projects).toEqual(['checkout']);
  });

  test('refuses with code, message and details', async () => {
    const { policies } = client();
    const malformed = await refusal(policies.approveRelease(voteOn(w, 'x')));
    expect(malformed.code).toBe('InvalidArgument');
    // JSON callers see the field's name in JSON.
    const field = name.includes('JSON') ? 'releaseIntentId' : 'release_intent_id';
    expect(malformed.message).toContain(field);
    const [violations] = malformed.error.findDetails(ViolationsSchema);
    expect(violations?.violations[0]?.field?.elements[0]?.fieldName).toBe(field);
    const missing = await refusal(policies.approveRelease(voteOn(w, UNKNOWN)));
    expect([missing.code, missing.message]).toEqual(['NotFound', expect.stringContaining(UNKNOWN)]);
    const anonymous = createClient(PolicyService, make(app.url));
    expect((await refusal(anonymous.listPendingApprovals({}))).code).toBe('Unauthenticated');
    const large = policies.approveRelease({ ...voteOn(w, UNKNOWN), comment: 'x'.repeat(5_000_000) });
    expect((await refusal(large)).code).toBe('ResourceExhausted');
    await policies.listPendingApprovals({});
  });

  test('streams the events of a release from its gate to its end', async () => {
    const { policies, releases } = client();
    const releaseIntentId = await gatedRelease(w);
    const events: WaitReleaseEvent['event'][] = [];
    for await (const { event } of releases.waitRelease({ releaseIntentId })) {
      events.push(event);
      if (events.length > 1) continue;
      expect(event).toMatchObject({ case: 'stageUpdate', value: { status: 'AWAITING_APPROVAL' } });
      await policies.approveRelease(voteOn(w, releaseIntentId));
    }
    expect(events.at(-1)).toMatchObject({
      case: 'statusUpdate',
      value: { destination: '', status: 'SUCCEEDED', intentStatus: ReleaseIntentStatus.SUCCEEDED },
    });
    const destinations = events.flatMap((e) => (e.case === 'statusUpdate' ? [e.value.destination] : []));
    expect(destinations).toEqual(expect.arrayContaining(['eu-west', 'us-east']));
    // For a finished release only its end is sent.
    const after: string[] = [];
    for await (const { event } of releases.waitRelease({ releaseIntentId })) after.push(event.case ?? '');
    expect(after).toContain('statusUpdate');
  });

  test('ends a stream that is refused, times out or is cancelled', async () => {
    const { releases } = client();
    const endOf = (releaseIntentId: string, options: { timeoutMs?: number; signal?: AbortSignal } = {}) =>
      refusal(
        (async () => {
          for await (const _event of releases.waitRelease({ releaseIntentId }, options));
        })(),
      );
    expect((await endOf('x')).code).toBe('InvalidArgument');
    expect((await endOf(UNKNOWN)).code).toBe('NotFound');
    const intentId = await gatedRelease(w);
    expect((await endOf(intentId, { timeoutMs: 300 })).code).toBe('DeadlineExceeded');

    // The subscription ends with the call.
    const subscribed = watchSubscriptions(intentId);
    const leave = new AbortController();
    const reading = endOf(intentId, { signal: leave.signal });
    await eventually(async () => subscribed.open() === 1, 'the stream to begin');
    leave.abort();
    expect((await reading).code).toBe('Canceled');
    await eventually(async () => subscribed.open() === 0, 'the subscription to end');
    subscribed.restore();
  });

  test('accepts a stream of files', async () => {
    const { artifacts, releases } = client();
    const send = (uploadId: string, ...contents: string[]) =>
      artifacts.uploadArtifact(
        (async function* () {
          for (const [n, fileContent] of contents.entries())
            yield { uploadId, fileName: `${n}.txt`, fileContent, category: 'notes' };
        })(),
      );
    const { uploadId } = await artifacts.beginUploadArtifact({});
    const contents = ['first\n', 'ünïcödé 🚀', 'x'.repeat(900_000)];
    await send(uploadId, ...contents);
    const { artifactId } = await artifacts.commitArtifact({ uploadId });
    const build = { project: w.project, context: { title: 'with files' }, ref: { commitSha: 'abc' } };
    await releases.annotateRelease({ ...build, artifactId });
    const found = await artifacts.getArtifactFiles({ artifactId });
    expect(found.files.map((f) => f.content)).toEqual(contents);

    // An invalid message in mid-stream rolls all of it back.
    const second = await artifacts.beginUploadArtifact({});
    expect((await refusal(send(second.uploadId, 'good', 'a\0b'))).code).toBe('InvalidArgument');
    const kept = await app.context.db.pool.query('select 1 from artifact_files where upload_id = $1', [
      second.uploadId,
    ]);
    expect(kept.rowCount).toBe(0);
    expect((await refusal(send(second.uploadId))).code).toBe('InvalidArgument');
  });
});

/** Counts the subscriptions to a release in the server's bus. */
function watchSubscriptions(intentId: string): { open(): number; restore(): void } {
  const { bus } = app.context;
  const { subscribe } = bus;
  let open = 0;
  bus.subscribe = (subject, handle) => {
    const leave = subscribe.call(bus, subject, handle);
    if (subject !== subjects.releaseStatus(intentId)) return leave;
    open++;
    return () => {
      open--;
      leave();
    };
  };
  return {
    open: () => open,
    restore: () => {
      bus.subscribe = subscribe;
    },
  };
}

describe('gRPC over a raw HTTP/2 stream', () => {
  const call = async (path: string, body: Uint8Array, more: Record<string, string> = {}) => {
    const headers = { 'content-type': 'application/grpc', te: 'trailers', ...as(w.reviewer.token).headers };
    const got = await http2(`${app.url}${path}`, { method: 'POST', headers: { ...headers, ...more }, body });
    // gRPC's clients read the status from headers that end the stream, or from trailers.
    expect('grpc-status' in got.headers).toBe(!('grpc-status' in got.trailers));
    return { ...got.headers, ...got.trailers };
  };
  const envelope = (...bytes: number[]) => Uint8Array.of(0, 0, 0, 0, bytes.length, ...bytes);
  const VOTE = '/forest.v1.PolicyService/ApproveRelease';

  test.each([
    ['an unknown method', '/forest.v1.PolicyService/Nothing', envelope(), 12],
    ['an unknown service', '/forest.v1.Nothing/Nothing', envelope(), 12],
    ['malformed bytes', VOTE, envelope(0xff, 0xff, 0xff), 3],
    ['invalid UTF-8', VOTE, envelope(0x22, 0x02, 0xc3, 0x28), 3],
    ['a truncated envelope', VOTE, Uint8Array.of(0, 0, 0, 0, 9, 1), 3],
    ['a length of 4 GB', VOTE, Uint8Array.of(0, 0xff, 0xff, 0xff, 0xff, 1), 8],
  ])('%s', async (_about, path, body, status) => {
    const seen = await call(path, body);
    expect(seen).toMatchObject({ ':status': 200, 'grpc-status': String(status) });
    expect(String(seen['grpc-message'])).not.toMatch(/node_modules|\.js:/);
    expect(seen['grpc-message']).not.toBe('');
  });

  test.each([
    ['soon', Code.InvalidArgument],
    ['123456789H', Code.InvalidArgument],
    ['0S', Code.DeadlineExceeded],
  ])('answers a deadline of "%s"', async (timeout, code) => {
    const seen = await call('/forest.v1.StatusService/Status', envelope(0xff), { 'grpc-timeout': timeout });
    expect(Number(seen['grpc-status'])).toBe(code);
  });

  test.each([
    ['grpc-timeout', '99999999H'],
    ['grpc-timeout', '99999999M'],
    ['grpc-timeout', '99999999S'],
    ['connect-timeout-ms', '9999999999'],
  ])(
    'a deadline that is further away than a timer can wait, %s: %s, does not end a stream',
    async (name, far) => {
      const releaseIntentId = await gatedRelease(w);
      const isGrpc = name === 'grpc-timeout';
      const request = create(WaitReleaseRequestSchema, { releaseIntentId });
      let approved: Promise<unknown> | undefined;
      const got = await http2(`${app.url}/forest.v1.ReleaseService/WaitRelease`, {
        method: 'POST',
        headers: {
          'content-type': isGrpc ? 'application/grpc' : 'application/connect+proto',
          ...as(w.reviewer.token).headers,
          [name]: far,
        },
        body: envelope(...toBinary(WaitReleaseRequestSchema, request)),
        enough: () => {
          approved ??= w.reviewer.policies.approveRelease(voteOn(w, releaseIntentId));
          return false;
        },
      });
      await approved;
      if (isGrpc) expect(got.trailers).toMatchObject({ 'grpc-status': '0' });
      else expect(got.body.toString()).toMatch(/\{\}$/);
    },
  );
});

describe('grpc-js', () => {
  test.each(['/forest.v1.PolicyService/Nothing', '/forest.v1.Nothing/Nothing'])(
    'sees UNIMPLEMENTED for %s',
    async (path) => {
      const client = new GrpcJsClient(new URL(app.url).host, credentials.createInsecure());
      const bytes = (value: Buffer) => value;
      const error = await new Promise<ServiceError | null>((resolve) =>
        client.makeUnaryRequest(path, bytes, bytes, Buffer.alloc(0), resolve),
      );
      client.close();
      expect(error).toMatchObject({ code: status.UNIMPLEMENTED, details: `Unknown method ${path.slice(1)}` });
    },
  );
});

describe('one port for all', () => {
  test('idle connections do not delay others', async () => {
    const beginnings = ['', 'P', 'PR', 'PRI * HTTP/2.0\r\n', 'G', 'POST / HTTP/1.1\r\nHost: x\r\nX-'];
    const open = Array.from({ length: 20 }, () =>
      beginnings.map((bytes) => dial(app.url, bytes).socket),
    ).flat();
    await Promise.all(open.map((socket) => once(socket, 'connect')));
    for (const make of Object.values(PROTOCOLS)) await createClient(StatusService, make(app.url)).status({});
    for (const socket of open) socket.destroy();
  });

  test('the first bytes can arrive one by one', async () => {
    const { socket, closed } = dial(app.url);
    socket.setNoDelay(true);
    const head = 'POST /forest.v1.StatusService/Status HTTP/1.1\r\nHost: x\r\nConnection: close\r\n';
    // Each is flushed on its own, because Nagle's algorithm is off.
    for (const letter of head.slice(0, 12))
      await new Promise<void>((sent) => socket.write(letter, () => sent()));
    socket.write(`${head.slice(12)}Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}`);
    expect(await closed).toMatch(/^HTTP\/1\.1 200 /);
  });

  test('shuts down with open streams and connections, and ends the streams with unavailable', async () => {
    const other = await startTestApp({ config: { shutdownSeconds: 2 } });
    const there = await world(other);
    await there.approvalPolicy(1);
    const releaseIntentId = await there.release((await there.artifact()).artifactId, ['production']);
    const ends = await Promise.all(
      Object.values(PROTOCOLS).map(async (make) => {
        const client = createClient(ReleaseService, make(other.url, as(there.reviewer.token)));
        const events = client.waitRelease({ releaseIntentId })[Symbol.asyncIterator]();
        await events.next();
        const rest = async () => {
          while ((await events.next()).done !== true);
        };
        return { code: refusal(rest()).then(({ code }) => code) };
      }),
    );
    for (const bytes of ['', 'PR', 'POST / HTTP/1.1\r\nHost: x\r\n']) dial(other.url, bytes);
    await other.stop();
    for (const { code } of ends) expect(await code).toBe('Unavailable');
  });
});
