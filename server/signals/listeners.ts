import { AsyncLocalStorage } from 'node:async_hooks';

/** Who listens in this process, by subject. */
export interface Listeners {
  add(subject: string, handler: (payload: string) => void): () => void;
  has(subject: string): boolean;
  /** Calls all who listen now, on the next turn of the event loop, so that a publisher is never re-entered. */
  tell(subject: string, payload: string): void;
  clear(): void;
}

/** @param onError told what a handler throws; the others are called all the same. */
export function createListeners(onError: (error: unknown) => void): Listeners {
  const bySubject = new Map<string, Set<(payload: string) => void>>();
  return {
    add(subject, handler) {
      // The request that publishes may be over, or cancelled, before what it set off is.
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
    tell(subject, payload) {
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
