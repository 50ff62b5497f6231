import { setTimeout as sleep } from 'node:timers/promises';
import { type Answer, call, livingServer, outcomeOf } from './calls.ts';
import type { Ledger } from './ledger.ts';
import { ORGANISATION, type Place, PROJECTS, type User } from './place.ts';
import type { Chance } from './random.ts';
import type { ServerSlot } from './server-slots.ts';

/** How long who is told to try again in a moment waits, in milliseconds. */
const RETRY_MS = 300;

/** A release that is, for all that its users know, still open. */
export interface OpenRelease {
  readonly id: string;
  readonly project: string;
  readonly author: string;
  readonly environments: Set<string>;
  planned: boolean;
}

/** Everything that the people of the load share. */
export interface Scene {
  readonly seed: number;
  readonly place: Place;
  readonly servers: readonly ServerSlot[];
  readonly ledger: Ledger;
  /** Releases that are, for all that their users know, still open; the newest last. */
  readonly open: OpenRelease[];
  /** Names of policies that were made on the way, by project. */
  readonly extras: Map<string, string[]>;
  /** The rights that the admins believe the others to have. */
  readonly believed: Map<string, 'member' | 'admin' | null>;
  stopped: boolean;
}

/** Somebody who is about to do something. */
export interface Actor {
  readonly scene: Scene;
  readonly user: User;
  readonly chance: Chance;
}

/** Sends it to some living server and writes down what came of it; null when there is none. */
export async function ask(
  { scene, user, chance }: Actor,
  kind: string,
  method: string,
  body: object,
  about: Record<string, string>,
  given?: number,
): Promise<Answer | null> {
  const server = livingServer(scene.servers, chance);
  if (server === undefined) return null;
  const id = given ?? scene.ledger.newId();
  const at = Date.now();
  const answer = await call(server, method, user.token, body);
  scene.ledger.write({ id, kind, user: user.name, userId: user.id, at, about }, answer);
  // Who is told to try again in a moment waits for one.
  if (outcomeOf(answer) === 'unknown') await sleep(RETRY_MS);
  return answer;
}

export const projectOf = (name: string) => ({ organisation: ORGANISATION, project: name });
export const projectAt = (index: number): string => PROJECTS[index] ?? PROJECTS[0];
