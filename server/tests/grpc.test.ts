import { connect as connectHttp2 } from 'node:http2';
import { connect as connectTcp, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { ViolationsSchema } from '@bufbuild/protovalidate/gen/buf/validate/validate_pb.js';
import { Code, ConnectError, createClient, type Interceptor, type Transport } from '@connectrpc/connect';
import {
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
} from '@connectrpc/connect-node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ArtifactService } from '#server/gen/forest/v1/artifacts_pb.ts';
import { StatusService } from '#server/gen/forest/v1/health_pb.ts';
import { PolicyService } from '#server/gen/forest/v1/policies_pb.ts';
import {
  PipelineRunStageStatus,
  ReleaseIntentStatus,
  ReleaseService,
  type WaitReleaseEvent,
} from '#server/gen/forest/v1/releases_pb.ts';
import { subjects } from '#server/signals/bus.ts';
import { eventually, startTestApp, type TestApp } from './harness.ts';
import { stateOf, type World, world } from './world.ts';

let app: TestApp;
let w: World;
beforeAll(async () => {
  app = await startTestApp();
  w = await world(app);
  await w.approvalPolicy(1);
});
afterAll(() => app.stop());

const as =
  (token: string): Interceptor =>
  (next) =>
  (request) => {
    request.header.set('authorization', `Bearer ${token}`);
    return next(request);
  };

const PROTOCOLS: readonly (readonly [
  name: string,
  make: (baseUrl: string, i: Interceptor[]) => Transport,
])[] = [
  ['gRPC', (baseUrl, interceptors) => createGrpcTransport({ baseUrl, interceptors })],
  [
    'gRPC-web over HTTP/1.1',
    (baseUrl, interceptors) => createGrpcWebTransport({ baseUrl, interceptors, httpVersion: '1.1' }),
  ],
  [
    'gRPC-web over HTTP/2',
    (baseUrl, interceptors) => createGrpcWebTransport({ baseUrl, interceptors, httpVersion: '2' }),
  ],
  [
    'Connect over HTTP/1.1',
    (baseUrl, interceptors) => createConnectTransport({ baseUrl, interceptors, httpVersion: '1.1' }),
  ],
  [
    'Connect over HTTP/2',
    (baseUrl, interceptors) => createConnectTransport({ baseUrl, interceptors, httpVersion: '2' }),
  ],
  [
    'Connect in JSON over HTTP/2',
    (baseUrl, interceptors) =>
      createConnectTransport({ baseUrl, interceptors, httpVersion: '2', useBinaryFormat: false }),
  ],
];

async function refusal(call: Promise<unknown>): Promise<ConnectError> {
  try {
    await call;
  } catch (error) {
    return ConnectError.from(error);
  }
  throw new Error('the call was not refused');
}

async function gated(): Promise<string> {
  const intentId = await w.release((await w.artifact()).artifactId, ['production']);
  await eventually(
    async () =>
      (await stateOf(w, intentId)).stages.some((s) => s.status === PipelineRunStageStatus.AWAITING_APPROVAL),
    'the gate to hold it',
  );
  return intentId;
}

describe.each(PROTOCOLS)('%s', (_, make) => {
  const client = () => {
    const transport = make(app.url, [as(w.reviewer.token)]);
    return {
      policies: createClient(PolicyService, transport),
      releases: createClient(ReleaseService, transport),
      artifacts: createClient(ArtifactService, transport),
    };
  };

  test('answers calls', async () => {
    await expect(createClient(StatusService, make(app.url, [])).status({})).resolves.toBeDefined();
    const { projects } = await client().releases.getProjects({
      query: { case: 'organisation', value: { organisation: w.organisation } },
    });
    expect(projects).toEqual(['checkout']);
  });

  test('refuses with code, words and details', async () => {
    const { policies } = client();
    const vote = { project: w.project, targetEnvironment: 'production' };
    const malformed = await refusal(policies.approveRelease({ ...vote, releaseIntentId: 'x' }));
    expect(malformed.code).toBe(Code.InvalidArgument);
    expect(malformed.rawMessage).toContain('release_intent_id');
    const [violations] = malformed.findDetails(ViolationsSchema);
    expect(violations?.violations[0]?.field?.elements[0]?.fieldName).toBe('release_intent_id');
    const unknown = '01890000-0000-7000-8000-000000000000';
    const missing = await refusal(policies.approveRelease({ ...vote, releaseIntentId: unknown }));
    expect(missing.code).toBe(Code.NotFound);
    expect(missing.rawMessage).toContain(unknown);
    const nobody = createClient(PolicyService, make(app.url, []));
    expect((await refusal(nobody.listPendingApprovals({}))).code).toBe(Code.Unauthenticated);
    const large = policies.approveRelease({
      ...vote,
      releaseIntentId: unknown,
      comment: 'x'.repeat(5_000_000),
    });
    expect((await refusal(large)).code).toBe(Code.ResourceExhausted);
    // What was not read of it does not keep the connection from the next call.
    const began = performance.now();
    await policies.listPendingApprovals({});
    expect(performance.now() - began).toBeLessThan(3_000);
  });

  test('streams a release from the gate to its end', async () => {
    const { policies, releases } = client();
    const releaseIntentId = await gated();
    const events: WaitReleaseEvent['event'][] = [];
    for await (const { event } of releases.waitRelease({ releaseIntentId })) {
      events.push(event);
      if (events.length === 1) {
        expect(event).toMatchObject({ case: 'stageUpdate', value: { status: 'AWAITING_APPROVAL' } });
        await policies.approveRelease({
          project: w.project,
          releaseIntentId,
          targetEnvironment: 'production',
        });
      }
    }
    expect(events.at(-1)).toMatchObject({
      case: 'statusUpdate',
      value: { destination: '', status: 'SUCCEEDED', intentStatus: ReleaseIntentStatus.SUCCEEDED },
    });
    const told = events.flatMap((e) => (e.case === 'statusUpdate' ? [e.value.destination] : []));
    expect(told).toEqual(expect.arrayContaining(['eu-west', 'us-east']));
    // Of a release that has ended the end alone is still told.
    const after: string[] = [];
    for await (const { event } of releases.waitRelease({ releaseIntentId })) after.push(event.case ?? '');
    expect(after).toContain('statusUpdate');
  });

  test('a stream that is refused, runs out of time or is left', async () => {
    const { releases } = client();
    const read = async (
      releaseIntentId: string,
      options: { timeoutMs?: number; signal?: AbortSignal } = {},
    ) => {
      for await (const _event of releases.waitRelease({ releaseIntentId }, options));
    };
    expect((await refusal(read('x'))).code).toBe(Code.InvalidArgument);
    expect((await refusal(read('01890000-0000-7000-8000-000000000000'))).code).toBe(Code.NotFound);
    const intentId = await gated();
    expect((await refusal(read(intentId, { timeoutMs: 300 }))).code).toBe(Code.DeadlineExceeded);

    // Once the caller has left, nobody listens for the release any more.
    const subscribed = watchSubscriptions(intentId);
    const leave = new AbortController();
    const reading = refusal(read(intentId, { signal: leave.signal }));
    await eventually(async () => subscribed.open() === 1, 'the stream to begin');
    leave.abort();
    expect((await reading).code).toBe(Code.Canceled);
    await eventually(async () => subscribed.open() === 0, 'the server to let go');
    subscribed.restore();
  });

  test('takes a stream of files', async () => {
    const { artifacts, releases } = client();
    const { uploadId } = await artifacts.beginUploadArtifact({});
    const contents = ['first\n', 'ünïcödé 🚀', 'x'.repeat(900_000)];
    async function* files() {
      for (const [n, fileContent] of contents.entries()) {
        yield { uploadId, fileName: `${n}.txt`, fileContent, category: 'notes' };
      }
    }
    await artifacts.uploadArtifact(files());
    const { artifactId } = await artifacts.commitArtifact({ uploadId });
    const build = { project: w.project, context: { title: 'with files' }, ref: { commitSha: 'abc' } };
    await releases.annotateRelease({ ...build, artifactId });
    const found = await artifacts.getArtifactFiles({ artifactId });
    expect(found.files.map((f) => f.content)).toEqual(contents);

    // What breaks a rule in mid-stream leaves nothing of the stream behind.
    const second = await artifacts.beginUploadArtifact({});
    async function* broken() {
      yield { uploadId: second.uploadId, fileName: 'good.txt', fileContent: 'good' };
      yield { uploadId: second.uploadId, fileName: 'bad.txt', fileContent: 'a\0b' };
    }
    expect((await refusal(artifacts.uploadArtifact(broken()))).code).toBe(Code.InvalidArgument);
    const kept = await app.context.db.pool.query('select 1 from artifact_files where upload_id = $1', [
      second.uploadId,
    ]);
    expect(kept.rowCount).toBe(0);
    async function* nothing() {}
    expect((await refusal(artifacts.uploadArtifact(nothing()))).code).toBe(Code.InvalidArgument);
  });
});

/** Counts who listens for a release in the server's bus. */
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

describe('gRPC by hand', () => {
  /** One request over HTTP/2: its headers and trailers. */
  const call = (path: string, body: Uint8Array, headers: Record<string, string> = {}) =>
    new Promise<Record<string, unknown>>((resolve, reject) => {
      const session = connectHttp2(app.url);
      session.on('error', reject);
      const stream = session.request({
        ':method': 'POST',
        ':path': path,
        'content-type': 'application/grpc',
        te: 'trailers',
        authorization: `Bearer ${w.reviewer.token}`,
        ...headers,
      });
      let seen: Record<string, unknown> = {};
      const note = (more: Record<string, unknown>) => {
        seen = { ...seen, ...more };
      };
      stream.on('response', note);
      stream.on('trailers', note);
      stream.on('error', reject);
      stream.on('end', () => {
        session.close();
        resolve(seen);
      });
      stream.resume();
      stream.end(Buffer.from(body));
    });
  const envelope = (...bytes: number[]) => Uint8Array.of(0, 0, 0, 0, bytes.length, ...bytes);
  const VOTE = '/forest.v1.PolicyService/ApproveRelease';

  test.each([
    ['an unknown method', '/forest.v1.PolicyService/Nothing', envelope(), 12],
    ['an unknown service', '/forest.v1.Nothing/Nothing', envelope(), 12],
    ['bytes that are no message', VOTE, envelope(0xff, 0xff, 0xff), 3],
    ['a text that is no UTF-8', VOTE, envelope(0x22, 0x02, 0xc3, 0x28), 3],
    ['an envelope cut short', VOTE, Uint8Array.of(0, 0, 0, 0, 9, 1), 3],
    ['a length of 4 GB', VOTE, Uint8Array.of(0, 0xff, 0xff, 0xff, 0xff, 1), 8],
  ])('%s', async (_about, path, body, status) => {
    const seen = await call(path, body);
    expect(seen[':status']).toBe(200);
    expect(Number(seen['grpc-status'])).toBe(status);
    expect(String(seen['grpc-message'])).not.toMatch(/node_modules|\.js:/);
    expect(seen['grpc-message']).not.toBe('');
  });

  test('a deadline that is none', async () => {
    const seen = await call('/forest.v1.StatusService/Status', envelope(), { 'grpc-timeout': 'soon' });
    expect(Number(seen['grpc-status'])).toBe(3);
  });
});

describe('one port for all', () => {
  const open: Socket[] = [];
  const hang = async (bytes: string) => {
    const socket = connectTcp(Number(new URL(app.url).port), '127.0.0.1');
    socket.on('error', () => {});
    await new Promise((resolve) => socket.once('connect', resolve));
    if (bytes !== '') socket.write(bytes);
    open.push(socket);
  };

  test('connections that dawdle hold nobody up', async () => {
    for (let n = 0; n < 20; n++) {
      for (const bytes of ['', 'P', 'PR', 'PRI * HTTP/2.0\r\n', 'G', 'POST / HTTP/1.1\r\nHost: x\r\nX-'])
        await hang(bytes);
    }
    const began = performance.now();
    for (const [, make] of PROTOCOLS) await createClient(StatusService, make(app.url, [])).status({});
    expect(performance.now() - began).toBeLessThan(5_000);
    for (const socket of open) socket.destroy();
  });

  test('the first bytes may come one by one', async () => {
    const socket = connectTcp(Number(new URL(app.url).port), '127.0.0.1');
    let seen = '';
    socket.on('data', (chunk) => {
      seen += chunk;
    });
    socket.setNoDelay(true);
    const text =
      'POST /forest.v1.StatusService/Status HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}';
    for (const letter of text.slice(0, 12)) {
      socket.write(letter);
      await sleep(2);
    }
    socket.write(text.slice(12));
    await new Promise((resolve) => socket.once('close', resolve));
    expect(seen).toMatch(/^HTTP\/1\.1 200 /);
  });

  test('stops in time with streams and connections open, and says so to who waits', async () => {
    const shutdownSeconds = 2;
    const other = await startTestApp({ config: { shutdownSeconds } });
    const there = await world(other);
    await there.approvalPolicy(1);
    const releaseIntentId = await there.release((await there.artifact()).artifactId, ['production']);
    const ends: Promise<ConnectError>[] = [];
    const begun: Promise<void>[] = [];
    for (const [, make] of PROTOCOLS) {
      const client = createClient(ReleaseService, make(other.url, [as(there.reviewer.token)]));
      const { promise, resolve } = Promise.withResolvers<void>();
      begun.push(promise);
      const read = async () => {
        for await (const _event of client.waitRelease({ releaseIntentId })) resolve();
      };
      ends.push(refusal(read()));
    }
    await Promise.all(begun);
    const sockets = ['', 'PR', 'POST / HTTP/1.1\r\nHost: x\r\n'].map((bytes) => {
      const socket = connectTcp(Number(new URL(other.url).port), '127.0.0.1');
      socket.on('error', () => {});
      socket.write(bytes);
      return socket;
    });
    await sleep(50);
    const began = performance.now();
    await other.stop();
    expect(performance.now() - began).toBeLessThan((shutdownSeconds + 2) * 1000);
    expect((await Promise.all(ends)).map((e) => e.code)).toEqual(PROTOCOLS.map(() => Code.Unavailable));
    for (const socket of sockets) socket.destroy();
  });
});
