/**
 * Signals are nudges to look; what is true stands in the database. A lost, doubled or late signal is harmless.
 * The subjects are those of the gate's rules; payloads are ids.
 */
export const subjects = {
  intentEvaluate: 'forest.intent.evaluate',
  releaseQueued: 'forest.release.queued',
  releaseStatus: (intentId: string) => `forest.release.status.${intentId}`,
  events: (organisationId: string) => `forest.events.${organisationId}`,
} as const;

export interface Bus {
  /** Sends without waiting; never throws. */
  publish(subject: string, payload: string): void;
  /** Calls `handler` for each signal on exactly that subject until the returned function is called. */
  subscribe(subject: string, handler: (payload: string) => void): () => void;
  close(): Promise<void>;
}
