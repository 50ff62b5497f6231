import { useState } from 'react';
import type { EnvironmentRequirements } from '#src/gen/forest/v1/policies_pb.ts';
import { commentProblem } from '#src/lib/comment-rule.ts';
import { useDraft } from '#src/lib/draft.ts';
import { draftKey, type ReleaseRef } from './queries.ts';
import { type Decision, useVote } from './use-vote.ts';

/**
 * The comment that is typed and the vote that is sent for one environment. The panel and the **Review** sheet show the same one, so
 * that what is typed in one is in the other.
 */
export function useBallot(release: ReleaseRef, environment: EnvironmentRequirements, open: boolean) {
  const { environment: targetEnvironment, myDecision: mine, canApprove, canReject, canBypass } = environment;
  const { draft: comment, setDraft } = useDraft(draftKey(release.releaseIntentId, targetEnvironment), '');
  const [problem, setProblem] = useState<string>();
  const vote = useVote();
  // An approval that no longer counts can be given again; a rejection is never outdated.
  const given = mine?.counted || mine?.decision === 'rejected' ? mine : undefined;
  return {
    environment,
    vote,
    comment,
    problem,
    /** Whether votes can still matter. */
    open,
    mine,
    approve: open && canApprove?.allowed === true,
    reject: open && canReject?.allowed === true,
    bypass: open && canBypass?.allowed === true && !given?.bypass,
    /** Whether that is the caller's present vote. */
    isDone: (decision: Decision) => (decision === 'withdrawn' ? !mine : given?.decision === decision),
    setComment: (text: string) => {
      setDraft(text);
      if (problem) setProblem(commentProblem(text));
    },
    send: (decision: Decision, onRecorded: () => void) => {
      const withdraws = decision === 'withdrawn';
      const found = withdraws ? undefined : commentProblem(comment);
      setProblem(found);
      if (found || vote.isPending) return;
      vote.mutate(
        { ...release, environment: targetEnvironment, decision, comment: comment.trim() },
        {
          onSuccess: () => {
            if (!withdraws) setDraft('');
            onRecorded();
          },
        },
      );
    },
  };
}

export type Ballot = ReturnType<typeof useBallot>;
