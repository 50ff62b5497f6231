import { type Code, ConnectError } from '@connectrpc/connect';

/** The code and words that a call is refused with; fails when it is not refused. */
export async function refused(
  call: Promise<unknown>,
): Promise<{ code: Code; words: string; error: ConnectError }> {
  try {
    await call;
  } catch (cause) {
    const error = ConnectError.from(cause);
    return { code: error.code, words: error.rawMessage, error };
  }
  throw new Error('the call was not refused');
}
