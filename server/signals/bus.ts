/**
 * Signals are nudges to look; what is true stands in the database. A lost, doubled or late signal is harmless.
 * The subjects are those of the gate's rules; payloads are ids.
 */
export const subjects = {
  intentEvaluate: 'forest.intent.evaluate',
  releaseQueued: 'forest.release.queued',
  /** Whoever publishes or watches may have the id from a request, where capital letters mean the same. */
  releaseStatus: (intentId: string) => `forest.release.status.${intentId.toLowerCase()}`,
  /** Calls of the user that last look whether they are still let in. */
  access: (userId: string) => `forest.access.${userId}`,
  events: (organisationId: string) => `forest.events.${organisationId}`,
} as const;

/**
 * How far signals reach: `in-process` without NATS; with it `connected`, or `away` while there is no connection and
 * signals stay in this process.
 */
export type BusState = 'in-process' | 'connected' | 'away';

export type SignalHandler = (payload: string) => void;

export interface Bus {
  /** Sends without waiting; never throws. Also heard by the server that sends. */
  publish(subject: string, payload: string): void;
  /**
   * Calls `handler` for each signal on exactly that subject until the returned function is called; every server that
   * subscribes hears each. The handler runs in the async context of this call, never in that of the request that published.
   */
  subscribe(subject: string, handler: SignalHandler): () => void;
  /** The same for work that one server should do: of all servers that share the subject, one hears each signal. */
  share(subject: string, handler: SignalHandler): () => void;
  /** Calls `look` whenever signals of other servers may have been missed, until the returned function is called. */
  onMissed(look: () => void): () => void;
  state(): BusState;
  /** Sends what was published, then ends. */
  close(): Promise<void>;
}
