import { ChevronDown } from 'lucide-react';
import { memo, type ReactNode, useId } from 'react';
import { Link } from 'react-router';
import { Badge } from '#src/components/badge.tsx';
import { Checkbox } from '#src/components/checkbox.tsx';
import { classNames } from '#src/components/class-names.ts';
import { UserText } from '#src/components/user-text.tsx';
import { paths } from '#src/config/paths.ts';
import type { PendingApproval } from '#src/gen/forest/v1/policies_pb.ts';
import { useTimed } from '#src/lib/clock.ts';
import { exactTime, relativeTime, timeOf } from '#src/lib/time-words.ts';
import { visibleText } from '#src/lib/visible-text.ts';
import type { ShownRow, Verdict } from './held-rows.ts';
import { isPlan } from './pending-view.ts';
import type { RowActions } from './use-row-states.ts';
import { VotedLine } from './voted-line.tsx';
import { WaitingDetails } from './waiting-details.tsx';
import { BuildFacts, Cautions } from './waiting-facts.tsx';
import { ageLabel, titleOf } from './waiting-view.ts';

export interface WaitingRowProps extends Omit<ShownRow, 'key'> {
  /** The row's key. */
  readonly name: string;
  /** Whether the keys act on this row. */
  readonly current: boolean;
  readonly selected: boolean;
  /** Whether the boxes are shown on a phone. */
  readonly selecting: boolean;
  readonly focus: Verdict | undefined;
  readonly actions: RowActions;
  readonly makeCurrent: (name: string) => void;
  /** Tells of its link, for the focus. */
  readonly register: (name: string, link: HTMLAnchorElement | null) => void;
  readonly changeOf: (approval: PendingApproval) => ReactNode;
}

/** One release and environment that waits for the caller's vote; a plan waits for a verdict. Opens in place, except on a phone. */
export const WaitingRow = memo(function WaitingRow(props: WaitingRowProps) {
  const { name, approval, open, vote, current, actions, makeCurrent } = props;
  return (
    <li
      aria-current={current || undefined}
      onFocus={() => makeCurrent(name)}
      className={classNames(
        'scroll-my-16 border-b border-l-2 border-b-line text-sm last:border-b-0',
        // Rows outside of the window are not laid out.
        !open &&
          '[contain-intrinsic-size:auto_2.75rem] [content-visibility:auto] max-sm:[contain-intrinsic-size:auto_4rem]',
        current ? 'border-l-focus bg-sunken/60' : 'border-l-transparent',
      )}
    >
      {vote ? (
        <VotedLine approval={approval} verdict={vote} onGone={() => actions.release(approval)} />
      ) : (
        <WaitingLine {...props} />
      )}
    </li>
  );
});

function WaitingLine(props: WaitingRowProps) {
  const { name, approval, open, waiting, current, selected, selecting, focus, actions } = props;
  const { project, slug, environment, releaseIntentId, version, branch, commitSha, authorUsername } =
    approval;
  const detailsId = useId();
  const title = titleOf(approval);
  const facts = visibleText(
    [version, branch, commitSha.slice(0, 7), authorUsername].filter(Boolean).join(' · '),
  );
  const named = visibleText(`${title} for ${environment}`);
  const address = paths.requirements(
    project?.organisation ?? '',
    project?.project ?? '',
    slug,
    releaseIntentId,
  );
  return (
    <>
      {/* The button covers the line, on a phone the link does. */}
      <div
        className={classNames(
          'relative grid min-h-11 grid-cols-[auto_minmax(0,1fr)_auto] content-center items-center gap-x-3 px-3 py-1 max-sm:min-h-16 hover:bg-sunken/60 lg:grid-cols-[auto_minmax(0,1fr)_20rem_7rem_3.5rem_3rem_auto]',
          !selecting && 'max-sm:gap-x-0',
        )}
      >
        <Checkbox
          label={`Select ${named}`}
          hiddenLabel
          checked={selected}
          disabled={!waiting}
          onChange={() => actions.select([name], !selected)}
          className={classNames('z-1 row-span-2 lg:row-span-1', !selecting && 'max-sm:hidden')}
        />
        <Link
          ref={(link) => props.register(name, link)}
          data-focus-return={current || undefined}
          to={address}
          title={visibleText(title)}
          onClick={() => actions.visit(approval)}
          onKeyDown={(event) => {
            if (event.key !== ' ') return;
            event.preventDefault();
            actions.setOpen(approval, !open);
          }}
          className="col-start-2 w-fit max-w-full scroll-my-16 font-medium wrap-anywhere no-underline max-sm:line-clamp-2 max-sm:after:absolute max-sm:after:inset-0 hover:underline sm:z-1 sm:truncate"
        >
          <bdi>
            <UserText>{title}</UserText>
          </bdi>
        </Link>
        <div className="col-start-2 flex min-w-0 flex-wrap items-center gap-x-3 text-xs text-muted max-sm:flex-nowrap lg:contents">
          <span className="min-w-0 truncate" title={facts}>
            <BuildFacts approval={approval} />
          </span>
          <span className="min-w-0">
            <Badge icon={null}>
              <UserText>{environment}</UserText>
            </Badge>
          </span>
          <Count approval={approval} />
          <Age approval={approval} />
        </div>
        <button
          type="button"
          aria-expanded={open}
          aria-controls={detailsId}
          aria-label={`Details of ${named}`}
          onClick={() => actions.setOpen(approval, !open)}
          className="col-start-3 row-span-2 row-start-1 min-h-6 min-w-6 cursor-pointer scroll-my-16 text-muted after:absolute after:inset-0 hover:text-ink max-sm:hidden lg:col-start-7 lg:row-span-1"
        >
          <ChevronDown aria-hidden size={16} className={classNames('m-auto', !open && '-rotate-90')} />
        </button>
      </div>
      <div className="flex flex-col gap-1 pr-3 pb-2 pl-12 empty:hidden max-sm:pl-2.5">
        <Cautions approval={approval} />
      </div>
      <div id={detailsId} hidden={!open} className="pr-3 pb-3 pl-12 max-sm:hidden">
        {open && (
          <div className="flex max-w-3xl flex-col gap-2 border-l-2 border-line pl-3">
            <WaitingDetails
              approval={approval}
              waiting={waiting}
              change={props.changeOf(approval)}
              focus={focus}
              onFocused={actions.focus}
              onVoted={(verdict) => actions.voted(approval, verdict)}
            />
            <Link to={address} onClick={() => actions.visit(approval)} className="w-fit">
              {isPlan(approval) ? 'Review plan' : 'Open release'}
            </Link>
          </div>
        )}
      </div>
    </>
  );
}

function Count({ approval }: { readonly approval: PendingApproval }) {
  if (isPlan(approval)) return <span className="text-waiting">Plan</span>;
  const { currentApprovals: current, requiredApprovals: required } = approval;
  return (
    <span className={classNames('tabular-nums', current >= required ? 'text-passed' : 'text-waiting')}>
      {`${current}/${required}`}
      <span className="sr-only"> approvals</span>
    </span>
  );
}

/** Since when it waits, in the fewest characters; in words for screen readers. */
function Age({ approval }: { readonly approval: PendingApproval }) {
  const since = timeOf(approval.waitingSince);
  const short = useTimed(30_000, (now) => (since ? ageLabel(since, now) : ''));
  const words = useTimed(30_000, (now) => (since ? relativeTime(since, now) : ''));
  if (!since) return null;
  return (
    <time dateTime={since.toISOString()} title={exactTime(since)} className="text-muted lg:text-right">
      <span aria-hidden>{short}</span>
      <span className="sr-only">{words}</span>
    </time>
  );
}
