import { AsyncLocalStorage } from 'node:async_hooks';
import type { Bus, SignalHandler } from './bus.ts';

/** The listeners in this process, by subject. */
export interface Listeners {
  add(subject: string, handler: SignalHandler): () => void;
  has(subject: string): boolean;
  /** Calls the current listeners on the next turn of the event loop, so that a publisher is never re-entered. */
  publish(subject: string, payload: string): void;
  clear(): void;
}

/** @param onError receives the errors of handlers; the other handlers are still called */
export function createListeners(onError: (error: unknown) => void): Listeners {
  const bySubject = new Map<string, Set<SignalHandler>>();
  return {
    add(subject, handler) {
      // The publishing request may end before the work of the handler.
      const bound = AsyncLocalStorage.bind(handler);
      const listening = bySubject.get(subject) ?? new Set();
      bySubject.set(subject, listening);
      listening.add(bound);
      return () => {
        listening.delete(bound);
        if (listening.size === 0 && bySubject.get(subject) === listening) bySubject.delete(subject);
      };
    },
    has: (subject) => bySubject.has(subject),
    publish(subject, payload) {
      const listening = bySubject.get(subject);
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
    clear: () => bySubject.clear(),
  };
}

/** The bus of a server without NATS: signals stay in this process. */
export function createInProcessBus(onError: (error: unknown) => void): Bus {
  const listeners = createListeners(onError);
  return {
    publish: listeners.publish,
    subscribe: listeners.add,
    share: listeners.add,
    onMissed: () => () => {},
    state: () => 'in-process',
    close: async () => listeners.clear(),
  };
}
