import { once } from 'node:events';
import type { RequestListener } from 'node:http';
import { connect as connectHttp2 } from 'node:http2';
import { connect as connectTcp } from 'node:net';
import {
  create,
  createFileRegistry,
  type DescMethod,
  type DescMethodBiDiStreaming,
  type DescMethodServerStreaming,
  type DescMethodUnary,
  fromBinary,
  fromJson,
  type JsonObject,
  toBinary,
} from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema, FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { Code, ConnectError, createClient, type Transport } from '@connectrpc/connect';
import { credentials, Client as GrpcJsClient } from '@grpc/grpc-js';
import { afterAll, describe, expect, test } from 'vitest';
import { Health, HealthCheckResponse_ServingStatus as Status } from '#server/gen/grpc/health/v1/health_pb.ts';
import {
  ServerReflection,
  ServerReflectionRequestSchema,
  type ServerReflectionResponse,
  ServerReflectionResponseSchema,
} from '#server/gen/grpc/reflection/v1/reflection_pb.ts';
import { listen } from '#server/http/listen.ts';
import { services } from '#server/rpc/access-table.ts';
import { aimAt } from './aim.ts';
import { everyMethod, nameOf, requestsFor } from './every-method.ts';
import { startTestApp } from './harness.ts';
import { PROTOCOLS } from './protocols.ts';
import { refusal } from './refusal.ts';
import { dial } from './sockets.ts';

const app = await startTestApp();
afterAll(() => app.stop());
const serviceNames = Object.values(services).map((service) => service.typeName);

describe('grpc.health.v1.Health', () => {
  const health = (of = app) => createClient(Health, PROTOCOLS.gRPC(of.url));

  test('reports the server and each service, and refuses unknown names', async () => {
    for (const service of ['', 'forest.v1.PolicyService', 'grpc.health.v1.Health']) {
      expect((await health().check({ service })).status).toBe(Status.SERVING);
    }
    const { statuses } = await health().list({});
    expect(Object.keys(statuses).sort()).toEqual(['', ...serviceNames].sort());
    expect((await refusal(health().check({ service: 'forest.v1.Nothing' }))).code).toBe('NotFound');
    for await (const { status } of health().watch({ service: 'x' })) {
      expect(status).toBe(Status.SERVICE_UNKNOWN);
      break;
    }
  });

  test('reports to a watcher that the database is down, up again, and that the server shuts down', async () => {
    const other = await startTestApp();
    const { ready } = other.context;
    const watch = health(other).watch({})[Symbol.asyncIterator]();
    const next = async () => (await watch.next()).value?.status;
    expect(await next()).toBe(Status.SERVING);
    Object.assign(other.context, { ready: async () => ({ ok: false, reason: 'unavailable' }) });
    expect(await next()).toBe(Status.NOT_SERVING);
    Object.assign(other.context, { ready });
    expect(await next()).toBe(Status.SERVING);
    const stopped = other.stop();
    expect(await next()).toBe(Status.NOT_SERVING);
    expect((await refusal(watch.next())).code).toBe('Unavailable');
    await stopped;
  });
});

describe('grpc.reflection.v1.ServerReflection', () => {
  type Answer = ServerReflectionResponse['messageResponse'];
  const ask = async (...questions: { case: string; value: unknown }[]): Promise<Answer[]> => {
    const client = createClient(ServerReflection, PROTOCOLS.gRPC(app.url));
    const sent = (async function* () {
      for (const messageRequest of questions) yield { messageRequest: messageRequest as never };
    })();
    const answers: Answer[] = [];
    for await (const { messageResponse } of client.serverReflectionInfo(sent)) answers.push(messageResponse);
    return answers;
  };
  const filesIn = (answer: Answer | undefined) => {
    if (answer?.case !== 'fileDescriptorResponse') throw new Error(`no files but ${answer?.case}`);
    return answer.value.fileDescriptorProto.map((bytes) => fromBinary(FileDescriptorProtoSchema, bytes));
  };

  test('returns everything that a tool needs to call a method', async () => {
    const [list, files] = await ask(
      { case: 'listServices', value: '*' },
      { case: 'fileContainingSymbol', value: 'forest.v1.PolicyService.ApproveRelease' },
    );
    if (list?.case !== 'listServicesResponse') throw new Error(`no list but ${list?.case}`);
    expect(list.value.service.map(({ name }) => name).sort()).toEqual(serviceNames.toSorted());
    const set = { file: filesIn(files), $typeName: FileDescriptorSetSchema.typeName } as const;
    const policies = createFileRegistry(set).getService('forest.v1.PolicyService');
    const fields = policies?.method['approveRelease']?.input.fields;
    expect(fields?.map(({ name }) => name)).toContain('release_intent_id');
  });

  test('answers clients of the version v1alpha', async () => {
    const client = new GrpcJsClient(new URL(app.url).host, credentials.createInsecure());
    const call = client.makeBidiStreamRequest(
      '/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo',
      (value: Uint8Array) => Buffer.from(value),
      (bytes: Buffer) => fromBinary(ServerReflectionResponseSchema, bytes),
    );
    const messageRequest = { case: 'listServices', value: '*' } as const;
    call.write(
      toBinary(ServerReflectionRequestSchema, create(ServerReflectionRequestSchema, { messageRequest })),
    );
    call.end();
    const [{ messageResponse }] = await once(call, 'data');
    client.close();
    expect(messageResponse.value.service).toContainEqual(
      expect.objectContaining({ name: 'forest.v1.PolicyService' }),
    );
  });

  test('finds files by name, message, field and extension, and reports unknown ones', async () => {
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

describe.each(['gRPC', 'gRPC-web over HTTP/2', 'Connect over HTTP/2'] as const)(
  'every method answers over %s',
  async (protocol) => {
    const { w, aim } = await aimAt(app);
    const requests = requestsFor(aim, protocol.replaceAll(/[^A-Za-z]/g, '-').toLowerCase());
    const headers = { authorization: `Bearer ${w.admin.token}` };
    const transport = PROTOCOLS[protocol](app.url, { headers });

    test.each(everyMethod.map((method) => [nameOf(method), method] as const))('%s', async (name, method) => {
      expect(await codeOf(transport, method, requests[name] ?? {})).toBe(EXPECTED[name] ?? 'ok');
    });
  },
);

/** The errors that an admin gets for the requests of `requestsFor`; all other methods answer. */
const EXPECTED: Readonly<Record<string, string>> = {
  'ArtifactService.UploadArtifact': 'NotFound',
  'ArtifactService.CommitArtifact': 'NotFound',
  'IdentityService.ConnectIdentity': 'PermissionDenied',
  'IdentityService.DisconnectIdentity': 'PermissionDenied',
  'OrganisationService.LeaveOrganisation': 'FailedPrecondition',
  'OrganisationService.CreateJoinRule': 'InvalidArgument',
  'OrganisationService.DeleteJoinRule': 'NotFound',
  'ReleaseService.RejectPlanStage': 'FailedPrecondition',
  'ReleaseService.PlanAgain': 'FailedPrecondition',
  'ReleaseService.EndHold': 'FailedPrecondition',
  'ReleaseService.FreeDestination': 'FailedPrecondition',
  'ReleaseService.RetryStage': 'NotFound',
  'ReleaseService.ReportRelease': 'Unauthenticated',
  'SessionService.EndSession': 'NotFound',
  'SessionService.SetUp': 'FailedPrecondition',
  'UsersService.Register': 'AlreadyExists',
  'UsersService.RefreshToken': 'Unauthenticated',
  'UsersService.ChangePassword': 'PermissionDenied',
  'UsersService.CreatePersonalAccessToken': 'PermissionDenied',
  'UsersService.ListPersonalAccessTokens': 'PermissionDenied',
  'UsersService.DeletePersonalAccessToken': 'NotFound',
  'UsersService.RemoveCommitAddress': 'NotFound',
};

/** Calls a method of any kind with one message; returns the result of the first answer. */
async function codeOf(transport: Transport, method: DescMethod, request: JsonObject): Promise<string> {
  const message = fromJson(method.input, request);
  const stop = new AbortController();
  try {
    if (method.methodKind === 'unary') {
      await transport.unary(method as DescMethodUnary, stop.signal, undefined, undefined, message);
      return 'ok';
    }
    const one = (async function* () {
      yield message;
    })();
    const streaming = method as DescMethodServerStreaming | DescMethodBiDiStreaming;
    const answer = await transport.stream(streaming, stop.signal, undefined, undefined, one);
    for await (const _message of answer.message) return 'ok';
    return 'ok, and empty';
  } catch (error) {
    return Code[ConnectError.from(error).code] ?? 'no code';
  } finally {
    stop.abort();
  }
}

describe('connections over HTTP/2', () => {
  const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';
  /** A server whose responses start and then stay silent. */
  const silentServer = async (idleMs?: number) => {
    const reached = Promise.withResolvers<void>();
    const left = Promise.withResolvers<void>();
    const handler: RequestListener = (_request, response) => {
      response.once('close', left.resolve);
      response.writeHead(200);
      response.flushHeaders();
      reached.resolve();
    };
    const listener = await listen(handler, {
      host: '127.0.0.1',
      port: 0,
      tls: null,
      requestSeconds: 30,
      idleMs,
    });
    const url = `http://127.0.0.1:${listener.address.port}`;
    return { listener, url, reached: reached.promise, left: left.promise };
  };

  test('are closed when idle, but not while a stream is open', async () => {
    const { listener, url, reached } = await silentServer(200);
    try {
      const busy = connectHttp2(url);
      busy.request({ ':path': '/' }).on('error', () => {});
      await reached;
      // Opened later, so that the busy one has been silent for longer when these end.
      await Promise.all([dial(url, PREFACE).closed, once(connectHttp2(url), 'close')]);
      expect(busy.closed).toBe(false);
      busy.destroy();
    } finally {
      await listener.close(0);
    }
  });

  test('end with their streams when the peer closes its side', async () => {
    const { listener, reached, left } = await silentServer();
    try {
      const settings = Buffer.of(0, 0, 0, 4, 0, 0, 0, 0, 0);
      // GET / of the host x, as the first stream.
      const asked = Buffer.of(0, 0, 6, 1, 5, 0, 0, 0, 1, 0x82, 0x86, 0x84, 1, 1, 0x78);
      const peer = connectTcp({ port: listener.address.port, host: '127.0.0.1', allowHalfOpen: true });
      const ended = once(peer, 'end');
      peer.resume();
      peer.write(Buffer.concat([Buffer.from(PREFACE), settings, asked]));
      await reached;
      // As the system does for a killed process: without HTTP/2's GOAWAY.
      peer.end();
      await Promise.all([left, ended]);
      peer.destroy();
    } finally {
      await listener.close(0);
    }
  });
});
