import { setTimeout as sleep } from 'node:timers/promises';
import { type Answer, call, outcomeOf, pickServer } from './calls.ts';
import { type FaultWorld, ORGANISATION, PROJECTS, type User } from './fault-world.ts';
import type { Ledger } from './ledger.ts';
import type { Random } from './random.ts';
import type { FaultReceiver } from './receiver.ts';
import type { ServerSlot } from './server-slots.ts';

/** The pause before a retry, in milliseconds. */
const RETRY_MS = 300;

/** A release that is open as far as the load knows. */
export interface OpenRelease {
  readonly id: string;
  readonly project: string;
  readonly author: string;
  readonly environments: Set<string>;
  planned: boolean;
}

/** A build that the load annotated. */
export interface KnownBuild {
  readonly artifactId: string;
  readonly commit: string;
}

/** The state that all users of the load share. */
export interface LoadState {
  readonly seed: number;
  readonly world: FaultWorld;
  readonly servers: readonly ServerSlot[];
  readonly ledger: Ledger;
  readonly receiver: FaultReceiver;
  /** Builds by project, the newest last. */
  readonly builds: Map<string, KnownBuild[]>;
  /** All releases; the newest last. */
  readonly requested: OpenRelease[];
  /** Releases that are open as far as the load knows; the newest last. */
  readonly open: OpenRelease[];
  /** Names of policies that the load created, by project. */
  readonly extras: Map<string, string[]>;
  /** The roles of the other users, as far as the load knows; null for none. */
  readonly knownRoles: Map<string, 'member' | 'admin' | null>;
  stopped: boolean;
}

/** A user of the load. */
export interface Actor {
  readonly state: LoadState;
  readonly user: User;
  readonly random: Random;
}

/** Sends a call to a running server and records the outcome; null if no server runs. */
export async function callAndRecord(
  { state, user, random }: Actor,
  kind: string,
  method: string,
  body: object,
  about: Record<string, string>,
  givenId?: number,
): Promise<Answer | null> {
  const server = pickServer(state.servers, random);
  if (server === undefined) return null;
  const id = givenId ?? state.ledger.newId();
  const at = Date.now();
  const answer = await call(server, method, user.token, body);
  state.ledger.write({ id, kind, user: user.name, userId: user.id, at, about }, answer);
  // The error asks clients to wait before they retry.
  if (outcomeOf(answer) === 'unknown') await sleep(RETRY_MS);
  return answer;
}

export const projectOf = (name: string) => ({ organisation: ORGANISATION, project: name });
export const projectAt = (index: number): string => PROJECTS[index] ?? PROJECTS[0];
