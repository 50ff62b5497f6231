import { ViolationsSchema } from '@bufbuild/protovalidate/gen/buf/validate/validate_pb.js';
import { Code, ConnectError } from '@connectrpc/connect';
import { expect } from 'vitest';

/** The code, message and fields of a call's error; throws when the call succeeds. */
export async function refusal(
  call: Promise<unknown>,
): Promise<{ code: string; message: string; fields: string[]; error: ConnectError }> {
  try {
    await call;
  } catch (error) {
    const refused = ConnectError.from(error);
    const violations = refused.findDetails(ViolationsSchema).flatMap((detail) => detail.violations);
    const fields = violations.map(({ field }) =>
      (field?.elements ?? [])
        .map(({ fieldName, subscript }) => {
          if (subscript.case === undefined) return fieldName;
          return `${fieldName}[${subscript.case === 'stringKey' ? JSON.stringify(subscript.value) : subscript.value}]`;
        })
        .join('.'),
    );
    return { code: Code[refused.code], message: refused.rawMessage, fields, error: refused };
  }
  throw new Error('The call succeeded');
}

/** Expects each call to be refused with that code. */
export async function expectRefusal(code: string, ...calls: Promise<unknown>[]): Promise<void> {
  const codes = (await Promise.all(calls.map(refusal))).map((refused) => refused.code);
  expect(codes).toEqual(calls.map(() => code));
}
