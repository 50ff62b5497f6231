import { setTimeout as sleep } from 'node:timers/promises';
import type { Api } from '../api.ts';

export interface Target {
  readonly id: string;
  readonly project: string;
}

/** The votes of a load so far. */
export interface Votes {
  tried: number;
  readonly failures: string[];
  /** The longest wait for the answer of one vote, in seconds. */
  longest: number;
}

/** How long the voter who opens gates waits between two votes. */
const OPENING_PAUSE_MS = 500;

/**
 * Votes until `stop` is called: each voter goes through the waiting releases again and again and changes their vote each time; the
 * first one also opens a gate of `opening` twice a second.
 */
export function startVoting(
  voters: readonly Api[],
  organisation: string,
  { waiting, opening }: { readonly waiting: readonly Target[]; readonly opening: readonly Target[] },
): { readonly votes: Votes; stop(): Promise<void> } {
  const votes: Votes = { tried: 0, failures: [], longest: 0 };
  let isOver = false;
  const vote = async ({ policies }: Api, { id, project }: Target, approves: boolean) => {
    const request = {
      project: { organisation, project },
      releaseIntentId: id,
      targetEnvironment: 'production',
      comment: 'Reviewed and tested.',
    };
    const sent = performance.now();
    votes.tried++;
    await (approves ? policies.approveRelease(request) : policies.rejectRelease(request)).catch(
      (error: unknown) => votes.failures.push(String(error)),
    );
    votes.longest = Math.max(votes.longest, (performance.now() - sent) / 1000);
  };
  const running = voters.map(async (voter, index) => {
    for (let turn = 0; !isOver; turn++) {
      const target = waiting[(turn + index * 31) % waiting.length];
      if (target !== undefined) await vote(voter, target, Math.floor(turn / waiting.length) % 2 === 0);
    }
  });
  const open = async () => {
    for (const target of opening) {
      if (isOver || voters[0] === undefined) return;
      await vote(voters[0], target, true);
      await sleep(OPENING_PAUSE_MS);
    }
  };
  running.push(open());
  return {
    votes,
    async stop() {
      isOver = true;
      await Promise.all(running);
    },
  };
}
