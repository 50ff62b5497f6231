import { callUnaryMethod, createConnectQueryKey, useTransport } from '@connectrpc/connect-query';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { announce } from '#src/components/toast.tsx';
import { type PendingApproval, PolicyService } from '#src/gen/forest/v1/policies_pb.ts';
import { ReleaseService } from '#src/gen/forest/v1/releases_pb.ts';
import { describeError } from '#src/lib/errors.ts';
import { type CastVote, type CastVotes, type Decision, keyOf, outcomeWords } from './triage-lines.ts';

/** How many votes are on their way at once. */
const atOnce = 4;

/**
 * Votes on lines of the waiting list. Each shows at once, is corrected by the server's answer, and is taken back with words
 * when the server refuses it; of several votes each has its own outcome.
 */
export function useTriage() {
  const transport = useTransport();
  const client = useQueryClient();
  const [votes, setVotes] = useState<CastVotes>(new Map());

  const put = (vote: CastVote) => setVotes((shown) => new Map(shown).set(keyOf(vote.approval), vote));
  const drop = (keys: readonly string[]) =>
    setVotes((shown) => new Map([...shown].filter(([key]) => !keys.includes(key))));

  const sendOne = async (approval: PendingApproval, decision: Decision, comment: string) => {
    const { project, releaseIntentId, environment } = approval;
    const request = {
      project,
      releaseIntentId,
      targetEnvironment: environment,
      comment: comment || undefined,
    };
    const { approveRelease, rejectRelease } = PolicyService.method;
    let vote: CastVote;
    try {
      const { state } =
        decision === 'approved'
          ? await callUnaryMethod(transport, approveRelease, request)
          : await callUnaryMethod(transport, rejectRelease, request);
      vote = { approval, decision, comment, state: 'recorded', counted: state?.currentApprovals };
    } catch (error) {
      vote = { approval, decision, comment, state: 'refused', words: describeError(error).message };
    }
    put(vote);
    return vote;
  };

  /** Sends the vote for each of them, and answers when all are over and the list is fresh. */
  const send = async (approvals: readonly PendingApproval[], decision: Decision, comment: string) => {
    for (const approval of approvals) put({ approval, decision, comment, state: 'sending' });
    const waiting = [...approvals];
    const cast: CastVote[] = [];
    const work = async () => {
      for (let next = waiting.shift(); next; next = waiting.shift()) {
        cast.push(await sendOne(next, decision, comment));
      }
    };
    await Promise.all(Array.from({ length: atOnce }, work));
    const { words, failed } = outcomeWords(cast);
    announce(words, failed ? 'failed' : 'neutral');
    for (const schema of [PolicyService, ReleaseService]) {
      await client.invalidateQueries({
        queryKey: createConnectQueryKey({ schema, transport, cardinality: undefined }),
      });
    }
    // What was recorded is the server's to show from here on; what was refused stays until it is dismissed.
    drop(cast.filter(({ state }) => state === 'recorded').map(({ approval }) => keyOf(approval)));
  };

  return { votes, send, dismiss: (key: string) => drop([key]) };
}
