import { ChevronDown } from 'lucide-react';
import { memo, type ReactNode, useId, useState } from 'react';
import { Link, useLocation } from 'react-router';
import { ToneIcon, toneText } from '#src/components/badge.tsx';
import { classNames } from '#src/components/class-names.ts';
import { StaleBar } from '#src/components/stale-bar.tsx';
import { Failed, Loading } from '#src/components/states.tsx';
import { UserText } from '#src/components/user-text.tsx';
import { environmentAnchor, type ProjectRef, paths } from '#src/config/paths.ts';
import { describeError } from '#src/lib/errors.ts';
import { staleSince } from '#src/lib/polling.ts';
import { useIsWide } from '#src/lib/use-is-wide.ts';
import { visibleText } from '#src/lib/visible-text.ts';
import type { CellItem, PreviousBuild } from './board-view.ts';
import {
  type CellProps,
  cellRule,
  itemPath,
  LiveBuilds,
  LiveFacts,
  LiveMark,
  TodayProvider,
} from './live-cell.tsx';
import { useLanes } from './use-board.ts';

export interface LanesProps extends ProjectRef {
  /** The button that rolls an environment back to the build before. The same function at every render. */
  readonly rollBack: (environment: string, build: PreviousBuild) => ReactNode;
}

type BodyProps = CellProps & Pick<LanesProps, 'rollBack'>;

interface LaneProps extends BodyProps {
  readonly isWide: boolean;
  readonly startsOpen: boolean;
}

/** A project's environments, each with what is live, what is in motion, and the build before. */
export function Lanes({ rollBack, ...ref }: LanesProps) {
  const query = useLanes(ref);
  const since = staleSince(query);
  const isWide = useIsWide();
  const lanes = query.data ?? [];
  const { hash } = useLocation();
  const open =
    lanes.find(({ environment }) => hash === `#${encodeURIComponent(environmentAnchor(environment))}`) ??
    lanes.findLast(({ items }) => items.length > 0) ??
    lanes.at(-1);
  if (!query.data && query.error) {
    return (
      <div className="rounded-lg border border-line bg-surface">
        <Failed
          title="Couldn't load environments"
          message={describeError(query.error).message}
          onRetry={query.refetch}
          retrying={query.isFetching}
        />
      </div>
    );
  }
  return (
    <TodayProvider>
      {/* Read only after a failure, so that polls without changes render nothing. */}
      <StaleBar since={since} onRetry={query.refetch} retrying={since !== null && query.isFetching} />
      {!query.data && <Loading label="Loading environments…" />}
      {lanes.length > 0 && (
        <div className="grid grid-cols-[repeat(auto-fit,minmax(min(16rem,100%),1fr))] gap-3">
          {lanes.map((cell) => (
            <Lane
              key={cell.environment}
              {...ref}
              rollBack={rollBack}
              cell={cell}
              isWide={isWide}
              startsOpen={cell === open}
            />
          ))}
        </div>
      )}
    </TodayProvider>
  );
}

/**
 * One environment: live, in motion, previous. On a phone two lines, and the rest when it is opened; it stays mounted, so that
 * a dialog stays open when the phone is turned.
 */
const Lane = memo(function Lane({ isWide, startsOpen, ...props }: LaneProps) {
  const { cell } = props;
  const { environment } = cell;
  const [isOpen, setIsOpen] = useState(startsOpen);
  const titleId = useId();
  return (
    <section
      id={environmentAnchor(environment)}
      aria-labelledby={titleId}
      className={classNames(
        'flex min-w-0 scroll-mt-16 flex-col rounded-lg border border-line bg-surface',
        cellRule(cell),
      )}
    >
      {isWide ? (
        <h2 id={titleId} className="border-b border-line px-4 py-2 text-sm font-semibold wrap-anywhere">
          {environment}
        </h2>
      ) : (
        <h2 className="text-sm font-semibold">
          <button
            type="button"
            aria-expanded={isOpen}
            className="flex min-h-11 w-full cursor-pointer flex-wrap items-center gap-x-2 px-4 py-2 text-left"
            onClick={() => setIsOpen(!isOpen)}
          >
            <span id={titleId} className="wrap-anywhere">
              {environment}
            </span>
            <ChevronDown
              aria-hidden
              size={16}
              className={classNames('ml-auto text-muted', isOpen && 'rotate-180')}
            />
            {!isOpen && <LaneSummary cell={cell} />}
          </button>
        </h2>
      )}
      <div className={isWide || isOpen ? 'flex flex-1 flex-col' : 'hidden'}>
        <LaneBody {...props} />
      </div>
    </section>
  );
});

/** The second line of a closed lane. */
function LaneSummary({ cell: { live, items } }: Pick<CellProps, 'cell'>) {
  const [first] = items;
  return (
    <span className="w-full font-normal wrap-anywhere">
      {live.length > 0 ? (
        <>
          <LiveMark />
          <UserText>{live.map(({ name }) => name).join(', ')}</UserText>
        </>
      ) : (
        <span className="text-muted">Nothing live yet</span>
      )}
      {first && <ItemWords item={first} className="ml-3" />}
    </span>
  );
}

const part = 'px-4 py-2.5 text-sm';
const MAX_ITEMS = 3;

function LaneBody(props: BodyProps) {
  const { cell, organisation, project, rollBack } = props;
  const { live, destinations, items, previous } = cell;
  const [all, setAll] = useState(false);
  const shown = all ? items : items.slice(0, MAX_ITEMS);
  return (
    <>
      <div className={part}>
        {live.length > 0 ? (
          <LiveBuilds {...props} withWord />
        ) : (
          <p className="text-muted">{destinations === 0 ? 'No destinations' : 'Nothing live yet'}</p>
        )}
        <LiveFacts cell={cell} />
        {destinations > 0 && (
          <p className="text-xs text-muted">
            {destinations} {destinations === 1 ? 'destination' : 'destinations'}
          </p>
        )}
      </div>
      <div className={classNames(part, 'flex-1 border-t border-line')}>
        {items.length === 0 ? (
          <p className="text-muted">Nothing waiting</p>
        ) : (
          <ul aria-label={`In motion for ${cell.environment}`} className="flex flex-col gap-1.5">
            {shown.map((item) => (
              <li key={item.key}>
                <Link
                  to={itemPath(props, item)}
                  className="block no-underline hover:underline pointer-coarse:py-2"
                >
                  <ItemWords item={item} />
                </Link>
              </li>
            ))}
          </ul>
        )}
        {items.length > shown.length && (
          <button
            type="button"
            className="mt-1 cursor-pointer text-xs text-muted hover:underline pointer-coarse:min-h-11"
            onClick={() => setAll(true)}
          >
            +{items.length - shown.length} more
          </button>
        )}
      </div>
      {previous && (
        <div className={classNames(part, 'flex flex-wrap items-center gap-x-2 border-t border-line')}>
          <span className="min-w-0 text-muted wrap-anywhere">
            Previous{' '}
            <Link to={paths.release(organisation, project, previous.slug)} className="text-ink">
              <UserText>{previous.name}</UserText>
            </Link>
          </span>
          <span className="ml-auto">{rollBack(cell.environment, previous)}</span>
        </div>
      )}
    </>
  );
}

/** An item of a lane in words, with its icon: "1.5.0 · Awaiting approval 1/2". */
function ItemWords({ item, className }: { readonly item: CellItem; readonly className?: string }) {
  const { build, label, tone, detail } = item;
  return (
    <span className={classNames('inline-flex min-w-0 items-start gap-1.5', toneText[tone], className)}>
      <span className="mt-0.5">
        <ToneIcon tone={tone} size={14} />
      </span>
      <span className="min-w-0 wrap-anywhere">
        {build && (
          <span className="font-medium text-ink">
            <UserText>{build.name}</UserText>{' '}
          </span>
        )}
        <UserText>{label}</UserText>
        {detail && <span className="text-muted"> · {visibleText(detail)}</span>}
      </span>
    </span>
  );
}
