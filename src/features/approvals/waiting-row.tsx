import type { Ref } from 'react';
import { Link } from 'react-router';
import { Badge } from '#src/components/badge.tsx';
import { Button } from '#src/components/button.tsx';
import { Checkbox } from '#src/components/checkbox.tsx';
import { classNames } from '#src/components/class-names.ts';
import { RelativeTime } from '#src/components/relative-time.tsx';
import { UserText } from '#src/components/user-text.tsx';
import { paths } from '#src/config/paths.ts';
import type { PendingApproval } from '#src/gen/forest/v1/policies_pb.ts';
import { visibleText } from '#src/lib/visible-text.ts';
import { BuildFacts, Cautions } from './pending-facts.tsx';
import { isPlan, titleOf } from './pending-view.ts';
import type { Decision } from './use-vote.ts';

export interface WaitingRowProps {
  readonly approval: PendingApproval;
  /** Whether the keys act on this row. */
  readonly current: boolean;
  readonly selected: boolean;
  readonly link: Ref<HTMLAnchorElement>;
  readonly onCurrent: () => void;
  readonly onSelect: () => void;
  /** Its page is opened. */
  readonly onOpen: () => void;
  readonly onVote: (decision: Decision) => void;
}

/** One release and environment that waits for the caller's vote. */
export function WaitingRow({
  approval,
  current,
  selected,
  link,
  onCurrent,
  onSelect,
  onOpen,
  onVote,
}: WaitingRowProps) {
  const { project, slug, environment, currentApprovals, requiredApprovals, myDecision } = approval;
  const organisation = project?.organisation ?? '';
  const name = project?.project ?? '';
  const title = titleOf(approval);
  const named = visibleText(`${title} for ${environment}`);
  const address = paths.requirements(organisation, name, slug, approval.releaseIntentId);
  return (
    <li
      aria-current={current || undefined}
      onFocus={onCurrent}
      className={classNames(
        'grid grid-cols-[auto_minmax(0,1fr)] gap-x-2 gap-y-2 border-b border-l-2 border-b-line px-3 py-2.5 last:border-b-0 md:grid-cols-[auto_minmax(0,1fr)_auto]',
        current ? 'border-l-focus bg-sunken/60' : 'border-l-transparent',
      )}
    >
      <Checkbox label={`Select ${named}`} hiddenLabel checked={selected} onChange={onSelect} />
      <div className="min-w-0">
        <p className="flex min-w-0 flex-wrap items-center gap-x-2 gap-y-1">
          <Link
            ref={link}
            data-focus-return={current || undefined}
            to={address}
            onClick={onOpen}
            className="line-clamp-2 min-w-0 font-medium wrap-anywhere no-underline hover:underline"
          >
            <bdi>
              <UserText>{title}</UserText>
            </bdi>
          </Link>
          <Badge icon={null}>
            <UserText>{environment}</UserText>
          </Badge>
          <Badge tone={!isPlan(approval) && currentApprovals >= requiredApprovals ? 'passed' : 'waiting'}>
            {isPlan(approval)
              ? 'Awaiting plan approval'
              : `${currentApprovals}/${requiredApprovals} approvals`}
          </Badge>
        </p>
        <p className="mt-0.5 text-xs text-muted wrap-anywhere">
          <BuildFacts approval={approval} /> · <UserText>{organisation}</UserText> /{' '}
          <UserText>{name}</UserText> · by <UserText>{approval.authorUsername}</UserText> ·{' '}
          <RelativeTime value={approval.waitingSince} />
        </p>
        <Cautions approval={approval} />
        {myDecision && <p className="mt-1 text-xs text-muted">You {myDecision} this before.</p>}
      </div>
      <span className="col-start-2 flex flex-wrap items-start gap-2 md:col-start-3">
        {isPlan(approval) ? (
          <Link to={address} onClick={onOpen} aria-label={`Review the plan of ${named}`}>
            Review plan
          </Link>
        ) : (
          <>
            <Button onClick={() => onVote('approved')} aria-label={`Approve ${named}`}>
              Approve
            </Button>
            <Button onClick={() => onVote('rejected')} aria-label={`Reject ${named}`}>
              Reject
            </Button>
          </>
        )}
      </span>
    </li>
  );
}
