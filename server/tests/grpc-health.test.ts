import { connect as connectHttp2 } from 'node:http2';
import { connect as connectTcp } from 'node:net';
import {
  createFileRegistry,
  type DescMethod,
  type DescMethodBiDiStreaming,
  type DescMethodServerStreaming,
  type DescMethodUnary,
  fromBinary,
  fromJson,
  type JsonObject,
} from '@bufbuild/protobuf';
import {
  type FileDescriptorProto,
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
} from '@bufbuild/protobuf/wkt';
import { Code, ConnectError, createClient, type Transport } from '@connectrpc/connect';
import {
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
} from '@connectrpc/connect-node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Health, HealthCheckResponse_ServingStatus as Status } from '#server/gen/grpc/health/v1/health_pb.ts';
import {
  ServerReflection,
  type ServerReflectionResponse,
} from '#server/gen/grpc/reflection/v1/reflection_pb.ts';
import { listen } from '#server/http/listen.ts';
import { services } from '#server/rpc/access-table.ts';
import { aimAt } from './aim.ts';
import { type Aim, everyMethod, nameOf, requestsFor } from './every-method.ts';
import { eventually, startTestApp, type TestApp } from './harness.ts';
import { refusal } from './refusal.ts';
import type { World } from './world.ts';

/** What a call is refused with; throws when it is not. */
const refused = async (call: Promise<unknown>): Promise<ConnectError> => (await refusal(call)).error;

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp();
});
afterAll(() => app.stop());

describe('grpc.health.v1.Health', () => {
  const health = (of = app) => createClient(Health, createGrpcTransport({ baseUrl: of.url }));

  test('tells of the server and of each service, and knows no other', async () => {
    for (const service of ['', 'forest.v1.PolicyService', 'grpc.health.v1.Health']) {
      expect((await health().check({ service })).status).toBe(Status.SERVING);
    }
    const { statuses } = await health().list({});
    expect(Object.keys(statuses).sort()).toEqual(
      ['', ...Object.values(services).map((s) => s.typeName)].sort(),
    );
    expect((await refused(health().check({ service: 'forest.v1.Nothing' }))).code).toBe(Code.NotFound);
    const leave = new AbortController();
    for await (const { status } of health().watch({ service: 'x' }, { signal: leave.signal })) {
      expect(status).toBe(Status.SERVICE_UNKNOWN);
      break;
    }
    leave.abort();
  });

  test('tells a watcher when the database goes and comes, and when the server stops', async () => {
    const other = await startTestApp();
    const seen: Status[] = [];
    const ready = other.context.ready;
    const end = refused(
      (async () => {
        for await (const { status } of health(other).watch({})) seen.push(status);
      })(),
    );
    await eventually(async () => seen.length === 1, 'the first status');
    Object.assign(other.context, { ready: async () => ({ ok: false, reason: 'as if it were away' }) });
    await eventually(async () => seen.length === 2, 'the second status');
    Object.assign(other.context, { ready });
    await eventually(async () => seen.length === 3, 'the third status');
    await other.stop();
    expect((await end).code).toBe(Code.Unavailable);
    expect(seen).toEqual([Status.SERVING, Status.NOT_SERVING, Status.SERVING, Status.NOT_SERVING]);
  });
});

describe('grpc.reflection.v1.ServerReflection', () => {
  type Question = { case: string; value: unknown };
  const ask = async (...questions: Question[]): Promise<ServerReflectionResponse['messageResponse'][]> => {
    const client = createClient(ServerReflection, createGrpcTransport({ baseUrl: app.url }));
    const sent = (async function* () {
      for (const messageRequest of questions) yield { messageRequest: messageRequest as never };
    })();
    const answers: ServerReflectionResponse['messageResponse'][] = [];
    for await (const { messageResponse } of client.serverReflectionInfo(sent)) answers.push(messageResponse);
    return answers;
  };
  const filesIn = (
    answer: ServerReflectionResponse['messageResponse'] | undefined,
  ): FileDescriptorProto[] => {
    if (answer?.case !== 'fileDescriptorResponse') throw new Error(`no files but ${answer?.case}`);
    return answer.value.fileDescriptorProto.map((bytes) => fromBinary(FileDescriptorProtoSchema, bytes));
  };

  test('gives a tool all it needs to call a method that it has never seen', async () => {
    const [list, files] = await ask(
      { case: 'listServices', value: '*' },
      { case: 'fileContainingSymbol', value: 'forest.v1.PolicyService.ApproveRelease' },
    );
    if (list?.case !== 'listServicesResponse') throw new Error(`no list but ${list?.case}`);
    expect(list.value.service.map((s) => s.name).sort()).toEqual(
      Object.values(services)
        .map((s) => s.typeName)
        .sort(),
    );
    const set = { file: filesIn(files), $typeName: FileDescriptorSetSchema.typeName } as const;
    const registry = createFileRegistry(set);
    const method = registry.getService('forest.v1.PolicyService')?.method['approveRelease'];
    expect(method?.input.fields.map((f) => f.name)).toContain('release_intent_id');
  });

  test('finds files by name, message, field and extension, and says what it does not know', async () => {
    const answers = await ask(
      { case: 'fileByFilename', value: 'forest/v1/policies.proto' },
      { case: 'fileContainingSymbol', value: 'forest.v1.Policy' },
      { case: 'fileContainingSymbol', value: 'forest.v1.Policy.name' },
      { case: 'allExtensionNumbersOfType', value: 'google.protobuf.FieldOptions' },
      {
        case: 'fileContainingExtension',
        value: { containingType: 'google.protobuf.FieldOptions', extensionNumber: 1159 },
      },
      { case: 'fileByFilename', value: 'etc/passwd' },
      { case: 'fileContainingSymbol', value: 'nothing' },
    );
    for (const answer of answers.slice(0, 3)) {
      expect(filesIn(answer).at(-1)?.name).toBe('forest/v1/policies.proto');
    }
    expect(answers[3]?.value).toMatchObject({ extensionNumber: expect.arrayContaining([1159]) });
    expect(filesIn(answers[4]).at(-1)?.name).toBe('buf/validate/validate.proto');
    for (const answer of answers.slice(5)) {
      expect(answer).toMatchObject({ case: 'errorResponse', value: { errorCode: Code.NotFound } });
    }
  });
});

describe.each([
  ['gRPC', (baseUrl: string) => createGrpcTransport({ baseUrl })],
  ['gRPC-web', (baseUrl: string) => createGrpcWebTransport({ baseUrl, httpVersion: '2' })],
  ['Connect, binary', (baseUrl: string) => createConnectTransport({ baseUrl, httpVersion: '2' })],
])('every method answers over %s', (_name, make) => {
  let w: World;
  let aim: Aim;
  let transport: Transport;
  beforeAll(async () => {
    ({ w, aim } = await aimAt(app));
    transport = make(app.url);
  });

  test.each(everyMethod.map((m) => [nameOf(m), m] as const))('%s', async (name, method) => {
    const request =
      requestsFor(aim, `${_name}-${name}`.replaceAll(/[^A-Za-z]/g, '-').toLowerCase())[name] ?? {};
    const code = await codeOf(transport, method, request, { authorization: `Bearer ${w.admin.token}` });
    expect(code).toBe(EXPECTED[name] ?? 'ok');
  });
});

/** What an admin is refused who asks as `requestsFor` does; everything else is answered. */
const EXPECTED: Readonly<Record<string, string>> = {
  'ArtifactService.UploadArtifact': 'NotFound',
  'ArtifactService.CommitArtifact': 'NotFound',
  'IdentityService.ConnectIdentity': 'PermissionDenied',
  'IdentityService.DisconnectIdentity': 'PermissionDenied',
  'OrganisationService.LeaveOrganisation': 'FailedPrecondition',
  'OrganisationService.CreateJoinRule': 'InvalidArgument',
  'OrganisationService.DeleteJoinRule': 'NotFound',
  'ReleaseService.RejectPlanStage': 'FailedPrecondition',
  'ReleaseService.ReportRelease': 'Unauthenticated',
  'SessionService.EndSession': 'NotFound',
  'SessionService.SetUp': 'FailedPrecondition',
  'UsersService.Register': 'AlreadyExists',
  'UsersService.RefreshToken': 'Unauthenticated',
  'UsersService.ChangePassword': 'PermissionDenied',
  'UsersService.CreatePersonalAccessToken': 'PermissionDenied',
  'UsersService.ListPersonalAccessTokens': 'PermissionDenied',
  'UsersService.DeletePersonalAccessToken': 'NotFound',
};

/** Calls a method of any kind with one message; of a stream of answers the first one counts. */
async function codeOf(
  transport: Transport,
  method: DescMethod,
  request: JsonObject,
  headers: Record<string, string>,
): Promise<string> {
  const message = fromJson(method.input, request);
  const stop = new AbortController();
  try {
    if (method.methodKind === 'unary') {
      await transport.unary(method as DescMethodUnary, stop.signal, undefined, headers, message);
      return 'ok';
    }
    const one = (async function* () {
      yield message;
    })();
    const streaming = method as DescMethodServerStreaming | DescMethodBiDiStreaming;
    const answer = await transport.stream(streaming, stop.signal, undefined, headers, one);
    for await (const _message of answer.message) return 'ok';
    return 'ok, and empty';
  } catch (error) {
    return Code[ConnectError.from(error).code] ?? 'no code';
  } finally {
    stop.abort();
  }
}

describe('connections over HTTP/2', () => {
  const IDLE_MS = 200;

  test('that nobody uses are closed, and those with a silent stream are not', async () => {
    const { promise: reached, resolve: reach } = Promise.withResolvers<void>();
    const listener = await listen(
      (_request, response) => {
        // A stream that begins and then says nothing.
        response.writeHead(200);
        response.flushHeaders();
        reach();
      },
      { host: '127.0.0.1', port: 0, tls: null, idleMs: IDLE_MS },
    );
    const url = `http://127.0.0.1:${listener.address.port}`;
    try {
      const silent = connectTcp(listener.address.port, '127.0.0.1');
      silent.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
      silent.resume();
      const closed = (socket: { once(event: 'close', done: () => void): unknown }) =>
        new Promise<void>((resolve) => void socket.once('close', resolve));
      const idle = connectHttp2(url);
      const ended = Promise.all([closed(silent), closed(idle)]);

      const busy = connectHttp2(url);
      let pings = 0;
      let lost = false;
      busy.on('ping', () => pings++);
      busy.on('close', () => {
        lost = true;
      });
      const stream = busy.request({ ':path': '/' });
      stream.on('error', () => {});
      await reached;
      await ended;
      await eventually(async () => pings >= 3, 'the silent stream’s peer to be asked again and again');
      expect(lost).toBe(false);
      busy.destroy();
    } finally {
      await listener.close(0);
    }
  });

  test('end with their streams as soon as the peer has said its last word', async () => {
    const { promise: reached, resolve: reach } = Promise.withResolvers<void>();
    const { promise: left, resolve: leave } = Promise.withResolvers<void>();
    const listener = await listen(
      (_request, response) => {
        response.once('close', leave);
        response.writeHead(200);
        response.flushHeaders();
        reach();
      },
      { host: '127.0.0.1', port: 0, tls: null },
    );
    try {
      const settings = Buffer.of(0, 0, 0, 4, 0, 0, 0, 0, 0);
      // GET / of the host x, as the first stream.
      const asked = Buffer.of(0, 0, 6, 1, 5, 0, 0, 0, 1, 0x82, 0x86, 0x84, 1, 1, 0x78);
      const peer = connectTcp({ port: listener.address.port, host: '127.0.0.1', allowHalfOpen: true });
      const ended = new Promise<void>((resolve) => peer.once('end', resolve));
      peer.resume();
      peer.write(Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), settings, asked]));
      await reached;
      // As the system does for a process that is killed: no word of HTTP/2's own.
      peer.end();
      await Promise.all([left, ended]);
      peer.destroy();
    } finally {
      await listener.close(0);
    }
  });
});
