import { ViolationsSchema } from '@bufbuild/protovalidate/gen/buf/validate/validate_pb.js';
import { Code, ConnectError } from '@connectrpc/connect';

/** The code, words and named fields that a call is refused with; throws when it is not refused. */
export async function refusal(
  call: Promise<unknown>,
): Promise<{ code: string; words: string; fields: string[]; error: ConnectError }> {
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
    return { code: Code[refused.code], words: refused.rawMessage, fields, error: refused };
  }
  throw new Error('the call was not refused');
}
