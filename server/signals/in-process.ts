import type { Bus } from './bus.ts';

/** The bus of a single server: delivers on the next turn of the event loop, so a publisher is never re-entered. */
export function createInProcessBus(onError: (error: unknown) => void): Bus {
  const handlers = new Map<string, Set<(payload: string) => void>>();
  return {
    publish(subject, payload) {
      const listening = handlers.get(subject);
      if (listening === undefined) return;
      setImmediate(() => {
        for (const handler of listening) {
          try {
            handler(payload);
          } catch (error) {
            onError(error);
          }
        }
      });
    },
    subscribe(subject, handler) {
      const listening = handlers.get(subject) ?? new Set();
      handlers.set(subject, listening);
      listening.add(handler);
      return () => {
        listening.delete(handler);
        if (listening.size === 0 && handlers.get(subject) === listening) handlers.delete(subject);
      };
    },
    async close() {
      handlers.clear();
    },
  };
}
