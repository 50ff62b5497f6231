import { useTransport } from '@connectrpc/connect-query';
import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useRef, useState } from 'react';
import { announce } from '#src/components/toast.tsx';
import { isServerAway } from '#src/lib/errors.ts';
import type { Vote, Voter } from './optimistic-vote.ts';
import type { ReleaseRef } from './queries.ts';
import { requirementsKey, useVote } from './use-vote.ts';

/** A vote that the server never got, and since when it waits to be sent. */
export interface HeldVote {
  readonly vote: Vote;
  readonly since: Date;
}

/** At least so many milliseconds between two attempts: polls may be answered while votes do not get through. */
const shortestPause = 1_900;

/**
 * Outlives the form: who looks at another page meanwhile finds the vote held when they come back. Each has its voter's id:
 * in the same tab somebody else may sign in, and must not give it.
 */
const heldVotes = new Map<string, HeldVote>();

/**
 * Holds a vote back while the server is away, and sends it once the page's own poll has been answered again: as if it had
 * been pressed then. Sending it twice does no harm, as the same vote again changes nothing. It is not shown as given
 * meanwhile. `onSent` is told the vote when the server has taken it.
 */
export function useHeldVote(
  release: ReleaseRef,
  environment: string,
  voter: Voter,
  onSent: (vote: Vote) => void,
) {
  const place = `${voter.userId}/${release.releaseIntentId}/${environment}`;
  const [held, setHeld] = useState(() => heldVotes.get(place));
  const resend = useVote(release, voter, 'when-answered');
  const lastTry = useRef(0);
  const set = (vote: Vote | undefined) => {
    const next = vote && { vote, since: heldVotes.get(place)?.since ?? new Date() };
    if (next) heldVotes.set(place, next);
    else heldVotes.delete(place);
    setHeld(next);
    lastTry.current = Date.now();
  };
  const send = () => {
    if (!held || resend.isPending) return;
    lastTry.current = Date.now();
    resend.mutate(held.vote, {
      onSuccess: (_state, vote) => {
        set(undefined);
        announce(`Your ${vote.decision === 'approved' ? 'approval' : 'rejection'} was recorded.`);
        onSent(vote);
      },
      onError: (error) => {
        if (!isServerAway(error)) set(undefined);
      },
    });
  };
  useOnAnswer(release, held !== undefined, () => shortestPause - (Date.now() - lastTry.current), send);
  useWarnBeforeLeaving(held !== undefined);
  return {
    held,
    hold: (vote: Vote) => set(vote),
    drop: () => set(undefined),
    /** Why the server refused the vote when it was sent at last. */
    refused: held ? undefined : resend.variables && resend.error ? resend : undefined,
    forgetRefusal: resend.reset,
  };
}

/**
 * Calls `act` when the server has answered the page's poll, while `waiting`, and after `pause` milliseconds: the poll that
 * was answered may have been the last one. Renders nothing anew by itself.
 */
function useOnAnswer(release: ReleaseRef, waiting: boolean, pause: () => number, act: () => void): void {
  const client = useQueryClient();
  const transport = useTransport();
  const latest = useRef({ pause, act });
  useEffect(() => {
    latest.current = { pause, act };
  });
  useEffect(() => {
    if (!waiting) return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const cache = client.getQueryCache();
    const unsubscribe = cache.subscribe((event) => {
      // What a vote itself writes into the cache is no answer.
      if (event.type !== 'updated' || event.action.type !== 'success' || event.action.manual) return;
      if (event.query !== cache.find({ queryKey: requirementsKey(release, transport) })) return;
      timer ??= setTimeout(
        () => {
          timer = undefined;
          latest.current.act();
        },
        Math.max(latest.current.pause(), 0),
      );
    });
    return () => {
      unsubscribe();
      clearTimeout(timer);
    };
  }, [client, transport, release, waiting]);
}

function useWarnBeforeLeaving(holding: boolean): void {
  useEffect(() => {
    if (!holding) return;
    const ask = (event: BeforeUnloadEvent) => event.preventDefault();
    window.addEventListener('beforeunload', ask);
    return () => window.removeEventListener('beforeunload', ask);
  }, [holding]);
}
