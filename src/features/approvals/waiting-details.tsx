import { useQuery } from '@connectrpc/connect-query';
import { Check, X } from 'lucide-react';
import { type ReactNode, useEffect, useMemo, useRef } from 'react';
import { RelativeTime } from '#src/components/relative-time.tsx';
import { Failed, Loading } from '#src/components/states.tsx';
import { UserText } from '#src/components/user-text.tsx';
import {
  type ApprovalDecisionEntry,
  type EnvironmentRequirements,
  type GetReleaseRequirementsResponse,
  type PendingApproval,
  PolicyService,
} from '#src/gen/forest/v1/policies_pb.ts';
import { describeError } from '#src/lib/errors.ts';
import { decisionLabel } from './ballot-labels.ts';
import type { Verdict } from './held-rows.ts';
import { isPlan } from './pending-view.ts';
import { type ReleaseRef, requirementsInput, requirementsPolling } from './queries.ts';
import { approvalsOf, isVotable } from './requirements-view.ts';
import { useBallot } from './use-ballot.ts';
import { VoteForm } from './vote-form.tsx';
import { refOf, titleOf } from './waiting-view.ts';

const { getReleaseRequirements } = PolicyService.method;

export interface WaitingDetailsProps {
  readonly approval: PendingApproval;
  /** Whether it still waits for the person. */
  readonly waiting: boolean;
  /** What the build would change. */
  readonly change: ReactNode;
  /** The button that gets the focus. */
  readonly focus: Verdict | undefined;
  readonly onFocused: (target: undefined) => void;
  readonly onVoted: (verdict: Verdict) => void;
}

/** An open row: what would change, the votes so far, and the caller's own. */
export function WaitingDetails(props: WaitingDetailsProps) {
  const { approval, waiting, change, focus, onFocused, onVoted } = props;
  const release = refOf(approval);
  const plan = isPlan(approval);
  const query = useQuery(getReleaseRequirements, requirementsInput(release), {
    ...requirementsPolling,
    enabled: !plan,
  });
  const environment = query.data?.environments.find(({ stageId }) => stageId === approval.stageId);
  return (
    <fieldset className="flex min-w-0 flex-col gap-2 text-sm">
      <legend className="sr-only">
        <UserText>{`${titleOf(approval)} for ${approval.environment}`}</UserText>
      </legend>
      {change}
      {!waiting && <p className="text-muted">This no longer waits for you.</p>}
      {plan && <p className="text-muted">Read the plan on the release's page before you decide.</p>}
      {!plan &&
        (query.data && environment ? (
          <Vote
            release={release}
            requirements={query.data}
            environment={environment}
            focus={focus}
            onFocused={onFocused}
            onVoted={onVoted}
          />
        ) : query.isError ? (
          <Failed
            title="Couldn't load the votes"
            message={describeError(query.error).message}
            onRetry={query.refetch}
            retrying={query.isFetching}
          />
        ) : (
          // About the height of the form, so that little moves when it is there.
          <div className="min-h-40">
            <Loading label="Loading the votes…" />
          </div>
        ))}
    </fieldset>
  );
}

interface VoteProps extends Pick<WaitingDetailsProps, 'focus' | 'onFocused' | 'onVoted'> {
  readonly release: ReleaseRef;
  readonly requirements: GetReleaseRequirementsResponse;
  readonly environment: EnvironmentRequirements;
}

function Vote({ release, requirements, environment, focus, onFocused, onVoted }: VoteProps) {
  const box = useRef<HTMLDivElement>(null);
  // A bypass is given on the release's page.
  const offered = useMemo(() => ({ ...environment, canBypass: undefined }), [environment]);
  const ballot = useBallot(release, offered, isVotable(requirements, environment));
  const send: typeof ballot.send = (decision, onRecorded) =>
    ballot.send(decision, () => {
      onRecorded();
      if (decision !== 'withdrawn') onVoted(decision);
    });
  useEffect(() => {
    if (focus === undefined) return;
    box.current?.querySelector<HTMLElement>(`[data-vote="${focus}"]`)?.focus();
    onFocused(undefined);
  }, [focus, onFocused]);
  return (
    <div ref={box} className="flex min-w-0 flex-col gap-2">
      {approvalsOf(environment)[0]?.approvalState?.decisions.map((decision) => (
        <EarlierVote key={decision.userId} decision={decision} />
      ))}
      <VoteForm ballot={{ ...ballot, send }} onBypass={() => undefined} onRecorded={() => undefined} />
    </div>
  );
}

/** A colleague's vote. A rejection that counts is in the row's cautions. */
function EarlierVote({ decision }: { readonly decision: ApprovalDecisionEntry }) {
  const { username, decidedAt, comment, counted, notCountedReason } = decision;
  if (counted && decision.decision === 'rejected') return null;
  const { label, look } = decisionLabel(decision);
  const Icon = label === 'approved' ? Check : X;
  return (
    <p className="flex items-start gap-1.5 wrap-anywhere">
      <Icon aria-hidden size={14} className={`mt-0.5 shrink-0 ${look}`} />
      <span className="min-w-0">
        <UserText>{username}</UserText> <span className={look}>{label}</span>{' '}
        <RelativeTime value={decidedAt} className="text-muted" />
        {comment && (
          <>
            {' '}
            “<UserText>{comment}</UserText>”
          </>
        )}
        {!counted && notCountedReason && (
          <span className="text-waiting">
            {' '}
            · no longer counts: <UserText>{notCountedReason}</UserText>
          </span>
        )}
      </span>
    </p>
  );
}
