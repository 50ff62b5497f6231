import type { Bus } from './bus.ts';
import { createListeners } from './listeners.ts';

/** The bus of a server without NATS: signals reach this process alone, and none is missed. */
export function createInProcessBus(onError: (error: unknown) => void): Bus {
  const listeners = createListeners(onError);
  return {
    publish: listeners.tell,
    subscribe: listeners.add,
    share: listeners.add,
    onMissed: () => () => {},
    state: () => 'in-process',
    close: async () => listeners.clear(),
  };
}
