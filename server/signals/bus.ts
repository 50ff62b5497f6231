/** Signals only trigger reads of the database, so a lost, duplicate or late one is harmless. Payloads are ids. */
export const subjects = {
  intentEvaluate: 'forest.intent.evaluate',
  releaseQueued: 'forest.release.queued',
  /** In lower case, because a request may have the id in upper case. */
  releaseStatus: (intentId: string) => `forest.release.status.${intentId.toLowerCase()}`,
  /** Open streams of the user check their authorisation again. */
  access: (userId: string) => `forest.access.${userId}`,
  events: (organisationId: string) => `forest.events.${organisationId}`,
} as const;

/** `in-process` without NATS; with it `connected`, or `away` (unavailable) while signals stay in this process. */
export type BusState = 'in-process' | 'connected' | 'away';

export type SignalHandler = (payload: string) => void;

export interface Bus {
  /** Sends without waiting, also to this server; never throws. */
  publish(subject: string, payload: string): void;
  /**
   * Calls `handler` for each signal on the subject until the returned function is called; every subscribed server receives it.
   * The handler runs in the async context of this call, not in that of the publisher.
   */
  subscribe(subject: string, handler: SignalHandler): () => void;
  /** As `subscribe`, but each signal is received by only one of the servers that share the subject. */
  share(subject: string, handler: SignalHandler): () => void;
  /** Calls `listener` whenever signals of other servers may have been lost, until the returned function is called. */
  onMissed(listener: () => void): () => void;
  state(): BusState;
  /** Sends pending signals, then ends. */
  close(): Promise<void>;
}
