import type { AppContext } from '#server/context.ts';
import type { RequestScope } from '#server/request-scope.ts';

/**
 * The messages of a response stream, each produced only when the one before is written, so nothing is produced that is not read. A reader who
 * takes nothing for `STREAM_STALL_SECONDS` is cut off. When the response ends, by whichever side, so does the handler.
 * @param turn resolves when the next message may be produced
 */
export function paced<T>(
  messages: AsyncIterable<T>,
  scope: RequestScope,
  turn: () => Promise<void>,
  { config, log }: Pick<AppContext, 'config' | 'log'>,
): AsyncIterable<T> {
  const handler = messages[Symbol.asyncIterator]();
  let stall: NodeJS.Timeout | undefined;
  const cutOff = () => {
    const { requestId, userId } = scope;
    log.info({ requestId, userId }, `Closed a stream: nothing was read for ${config.streamStallSeconds} s`);
    scope.cut('deadline_exceeded');
  };
  // Connect waits for a closed connection to be writable again, for ever, and would not end the handler.
  scope.atEnd(() => {
    clearTimeout(stall);
    handler.return?.().catch(() => {});
  });
  return {
    [Symbol.asyncIterator]: () => ({
      async next() {
        clearTimeout(stall);
        await turn();
        const result = await handler.next();
        // Connect asks for the next message once this one is written. After the last one, the response ends.
        stall = setTimeout(cutOff, config.streamStallSeconds * 1_000);
        if (scope.hasEnded) clearTimeout(stall);
        return result;
      },
      return: async (value) => (await handler.return?.(value)) ?? { done: true, value },
      throw: async (error) => {
        if (handler.throw === undefined) throw error;
        return await handler.throw(error);
      },
    }),
  };
}
