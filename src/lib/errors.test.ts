import { create, toBinary } from '@bufbuild/protobuf';
import { ViolationsSchema } from '@bufbuild/protovalidate/gen/buf/validate/validate_pb.js';
import { Code, ConnectError } from '@connectrpc/connect';
import { describe, expect, test } from 'vitest';
import { describeError, isServerAway, retryAfterSeconds } from './errors.ts';

function withDetail(type: string, value: Uint8Array, message = 'the request is not valid'): ConnectError {
  const error = new ConnectError(message, Code.InvalidArgument);
  error.details = [{ type, value }];
  return error;
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

  test('reads the JSON names of fields, and joins two problems of one field', () => {
    const violation = (fieldName: string, message: string) => ({
      field: { elements: [{ fieldName }] },
      message,
    });
    const violations = create(ViolationsSchema, {
      violations: [
        violation('displayName', 'is taken'),
        violation('pageSize', 'is too large'),
        violation('displayName', 'is too long'),
      ],
    });
    const error = withDetail('buf.validate.Violations', toBinary(ViolationsSchema, violations));
    expect(describeError(error).fieldErrors).toEqual({
      display_name: 'is taken; is too long',
      page_size: 'is too large',
    });
  });

  test('ignores truncated and unknown details', () => {
    const violations = create(ViolationsSchema, { violations: [{ message: 'is taken' }] });
    const truncated = toBinary(ViolationsSchema, violations).slice(0, 5);
    for (const error of [
      withDetail('buf.validate.Violations', truncated),
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
    [new ConnectError('at pg.query (pool.js:45)', Code.Internal), /^Something went wrong on the server/],
    [new ConnectError('bad gateway', Code.Unavailable), /^Can't reach the server/],
    [new TypeError('Failed to fetch'), /^Can't reach the server/],
    [ConnectError.from(new TypeError('Failed to fetch'), Code.Internal), /^Can't reach the server/],
    ['something thrown', /^Something went wrong on the server/],
  ])('describes %s', (error, message) => {
    expect(describeError(error).message).toMatch(message);
  });
});

test('quotes the request id for server errors, not for refusals', () => {
  const message = (code: Code) =>
    describeError(new ConnectError('refused', code, { 'x-request-id': 'abc-1' })).message;
  for (const code of [Code.Internal, Code.Unknown, Code.Unavailable, Code.DeadlineExceeded]) {
    expect(message(code)).toMatch(/\. Request ID abc-1\.$/);
  }
  expect(message(Code.NotFound)).toBe('refused');
  expect(describeError(new ConnectError('refused', Code.Internal)).message).not.toMatch(/Request ID/);
});

test('keeps the message of a server that answers as unavailable', () => {
  const away = new ConnectError('it may have happened', Code.Unavailable, { 'x-request-id': 'abc-1' });
  expect(describeError(away).message).toBe('it may have happened. Request ID abc-1.');
});

test('distinguishes a refusal from an unavailable server', () => {
  expect(isServerAway(new ConnectError('refused', Code.FailedPrecondition))).toBe(false);
  expect(isServerAway(new ConnectError('broken', Code.Internal, undefined, undefined, new Error('x')))).toBe(
    false,
  );
  expect(isServerAway(new ConnectError('away', Code.Unavailable))).toBe(true);
});

test('reads retry-after in seconds', () => {
  const refused = (headers: Record<string, string>) =>
    retryAfterSeconds(new ConnectError('too many', Code.ResourceExhausted, headers));
  expect(refused({ 'retry-after': '30' })).toBe(30);
  expect(refused({ 'retry-after': 'Wed, 21 Oct 2026 07:28:00 GMT' })).toBeNull();
  expect(refused({})).toBeNull();
  expect(retryAfterSeconds(new Error('other'))).toBeNull();
});
