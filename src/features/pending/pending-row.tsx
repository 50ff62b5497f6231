import type { Ref } from 'react';
import { Link } from 'react-router';
import { Badge } from '#src/components/badge.tsx';
import { Button } from '#src/components/button.tsx';
import { Checkbox } from '#src/components/checkbox.tsx';
import { classNames } from '#src/components/class-names.ts';
import { RelativeTime } from '#src/components/relative-time.tsx';
import { ActionError } from '#src/components/states.tsx';
import { paths } from '#src/config/paths.ts';
import { type Decision, isOpen, type Line, shownCount, titleOf } from './triage-lines.ts';

export interface PendingRowProps {
  readonly line: Line;
  /** The line that keys act on. */
  readonly current: boolean;
  readonly ticked: boolean;
  readonly link: Ref<HTMLAnchorElement>;
  readonly onCurrent: () => void;
  readonly onTick: () => void;
  readonly onVote: (decision: Decision) => void;
  readonly onDismiss: () => void;
}

/** One release and environment that the caller's vote can move. */
export function PendingRow({
  line,
  current,
  ticked,
  link,
  onCurrent,
  onTick,
  onVote,
  onDismiss,
}: PendingRowProps) {
  const { approval, vote, gone } = line;
  const { project, slug, environment, requiredApprovals } = approval;
  const organisation = project?.organisation ?? '';
  const name = project?.project ?? '';
  const title = titleOf(approval);
  const count = shownCount(line);
  return (
    <li
      aria-current={current || undefined}
      onFocus={onCurrent}
      className={classNames(
        'grid grid-cols-[auto_minmax(0,1fr)] gap-x-2 gap-y-2 border-b border-l-2 border-b-line px-3 py-2.5 last:border-b-0 md:grid-cols-[auto_minmax(0,1fr)_auto]',
        current ? 'border-l-focus bg-sunken/60' : 'border-l-transparent',
      )}
    >
      <Checkbox
        label={`Tick ${title} for ${environment}`}
        hiddenLabel
        checked={ticked}
        disabled={!isOpen(line)}
        onChange={onTick}
      />
      <div className="min-w-0">
        <p className="flex min-w-0 flex-wrap items-center gap-x-2 gap-y-1">
          <Link
            ref={link}
            to={paths.requirements(organisation, name, slug)}
            className="line-clamp-2 min-w-0 font-medium wrap-anywhere no-underline hover:underline"
          >
            <bdi>{title}</bdi>
          </Link>
          <Badge icon={null}>{environment}</Badge>
          <Badge tone={count >= requiredApprovals ? 'passed' : 'waiting'}>
            {count}/{requiredApprovals} approvals
          </Badge>
        </p>
        <p className="mt-0.5 text-xs text-muted wrap-anywhere">
          {organisation} / {name} · by {approval.authorUsername} ·{' '}
          <RelativeTime value={approval.waitingSince} />
        </p>
        {gone && (
          <p className="mt-1 text-xs text-muted">This release does not wait for your vote any more.</p>
        )}
        {!vote && approval.myDecision && (
          <p className="mt-1 text-xs text-muted">You {approval.myDecision} this before.</p>
        )}
        {vote && vote.state !== 'refused' && (
          <p
            className={classNames(
              'mt-1 text-xs',
              vote.decision === 'approved' ? 'text-passed' : 'text-failed',
            )}
          >
            You {vote.decision} this.
          </p>
        )}
        {vote?.state === 'refused' && (
          <div className="mt-2 flex flex-col items-start gap-2">
            <ActionError>
              Your {vote.decision === 'approved' ? 'approval' : 'rejection'} was not recorded: {vote.words}
            </ActionError>
            <span className="flex flex-wrap gap-2">
              {!gone && <Button onClick={() => onVote(vote.decision)}>Try again</Button>}
              <Button onClick={onDismiss}>Dismiss</Button>
            </span>
          </div>
        )}
      </div>
      {isOpen(line) && (
        <span className="col-start-2 flex flex-wrap items-start gap-2 md:col-start-3">
          <Button onClick={() => onVote('approved')} aria-label={`Approve ${title} for ${environment}`}>
            Approve
          </Button>
          <Button onClick={() => onVote('rejected')} aria-label={`Reject ${title} for ${environment}`}>
            Reject
          </Button>
        </span>
      )}
    </li>
  );
}
