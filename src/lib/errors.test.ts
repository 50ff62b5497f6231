import { create, toBinary } from '@bufbuild/protobuf';
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { ViolationsSchema } from '@bufbuild/protovalidate/gen/buf/validate/validate_pb.js';
import { Code, ConnectError } from '@connectrpc/connect';
import { describe, expect, test } from 'vitest';
import { describeError, isServerAway, retryAfterSeconds } from './errors.ts';

function withDetail(type: string, value: Uint8Array, message = 'the request is not valid'): ConnectError {
  const error = new ConnectError(message, Code.InvalidArgument);
  error.details = [{ type, value }];
  return error;
}

/** google.rpc.BadRequest as another implementation would write it, with a field that we do not read. */
function badRequest(...violations: readonly { field: string; description: string }[]): Uint8Array {
  const writer = new BinaryWriter();
  for (const { field, description } of violations) {
    writer.tag(1, WireType.LengthDelimited).fork();
    writer.tag(1, WireType.LengthDelimited).string(field);
    writer.tag(3, WireType.LengthDelimited).string('A_REASON');
    writer.tag(2, WireType.LengthDelimited).string(description);
    writer.join();
  }
  return writer.finish();
}

describe('describeError', () => {
  test('reads violations of protovalidate, with nested, indexed and keyed paths', () => {
    const violations = create(ViolationsSchema, {
      violations: [
        {
          field: { elements: [{ fieldName: 'soak_time' }, { fieldName: 'duration_seconds' }] },
          ruleId: 'int64.gt',
          message: 'must be more than 0',
        },
        {
          field: {
            elements: [
              { fieldName: 'stages', subscript: { case: 'index', value: 2n } },
              { fieldName: 'labels', subscript: { case: 'stringKey', value: 'a.b' } },
            ],
          },
          message: 'is too long',
        },
        { ruleId: 'config.matches', message: 'config must match the type' },
      ],
    });
    const described = describeError(
      withDetail('buf.validate.Violations', toBinary(ViolationsSchema, violations)),
    );
    expect(described).toEqual({
      code: Code.InvalidArgument,
      message: 'the request is not valid',
      fieldErrors: {
        'soak_time.duration_seconds': 'must be more than 0',
        'stages[2].labels["a.b"]': 'is too long',
      },
      otherProblems: ['config must match the type'],
    });
  });

  test('reads google.rpc.BadRequest, in either spelling of paths, and joins two words on one field', () => {
    const detail = badRequest(
      { field: 'name', description: 'is taken' },
      { field: 'soakTime.durationSeconds', description: 'is too short' },
      { field: 'name', description: 'is too long' },
    );
    expect(describeError(withDetail('google.rpc.BadRequest', detail)).fieldErrors).toEqual({
      name: 'is taken; is too long',
      'soak_time.duration_seconds': 'is too short',
    });
  });

  test('a detail that is cut off or unknown takes nothing from the message', () => {
    const cut = badRequest({ field: 'name', description: 'is taken' }).slice(0, 5);
    for (const error of [
      withDetail('google.rpc.BadRequest', cut),
      withDetail('acme.Other', new Uint8Array([1])),
    ]) {
      expect(describeError(error)).toMatchObject({ message: 'the request is not valid', fieldErrors: {} });
    }
  });

  test.each([
    [new ConnectError('no policy "x" in checkout', Code.NotFound), 'no policy "x" in checkout'],
    [
      new ConnectError('cannot approve your own release', Code.PermissionDenied),
      'cannot approve your own release',
    ],
    [new ConnectError('', Code.Unauthenticated), 'You are not signed in.'],
    [new ConnectError('at pg.query (pool.js:45)', Code.Internal), /server failed at this/],
    [new ConnectError('bad gateway', Code.Unavailable), /does not answer/],
    [new TypeError('Failed to fetch'), /does not answer/],
    [ConnectError.from(new TypeError('Failed to fetch'), Code.Internal), /does not answer/],
    ['something thrown', /server failed at this/],
  ])('%s', (error, words) => {
    expect(describeError(error).message).toMatch(words);
  });
});

test('faults of the server quote the request, refusals do not', () => {
  const words = (code: Code) =>
    describeError(new ConnectError('words', code, { 'x-request-id': 'abc-1' })).message;
  for (const code of [Code.Internal, Code.Unknown, Code.Unavailable, Code.DeadlineExceeded]) {
    expect(words(code)).toMatch(/\. Request id abc-1\.$/);
  }
  expect(words(Code.NotFound)).toBe('words');
  expect(describeError(new ConnectError('words', Code.Internal)).message).not.toMatch(/Request id/);
});

test('a server that answers that it cannot now says why', () => {
  const away = new ConnectError('it may have happened', Code.Unavailable, { 'x-request-id': 'abc-1' });
  expect(describeError(away).message).toBe('it may have happened. Request id abc-1.');
});

test('a refusal is no absence of the server', () => {
  expect(isServerAway(new ConnectError('refused', Code.FailedPrecondition))).toBe(false);
  expect(isServerAway(new ConnectError('broken', Code.Internal, undefined, undefined, new Error('x')))).toBe(
    false,
  );
  expect(isServerAway(new ConnectError('away', Code.Unavailable))).toBe(true);
});

test('when to try again is read from the answer, if it says so', () => {
  const refused = (headers: Record<string, string>) =>
    retryAfterSeconds(new ConnectError('too many', Code.ResourceExhausted, headers));
  expect(refused({ 'retry-after': '30' })).toBe(30);
  expect(refused({ 'retry-after': 'Wed, 21 Oct 2026 07:28:00 GMT' })).toBeNull();
  expect(refused({})).toBeNull();
  expect(retryAfterSeconds(new Error('other'))).toBeNull();
});
