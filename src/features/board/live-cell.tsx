import { createContext, memo, type ReactNode, useContext } from 'react';
import { Link } from 'react-router';
import { Badge } from '#src/components/badge.tsx';
import { classNames } from '#src/components/class-names.ts';
import { UserText } from '#src/components/user-text.tsx';
import { type ProjectRef, paths } from '#src/config/paths.ts';
import { useTimed } from '#src/lib/clock.ts';
import { exactTime, shortTime, timeOf } from '#src/lib/time-words.ts';
import { visibleText } from '#src/lib/visible-text.ts';
import type { CellItem, CellView, LiveView } from './board-view.ts';

export interface CellProps extends ProjectRef {
  readonly cell: CellView;
}

/** What runs in an environment, since when and by whom, and the most urgent of what happens or waits there. */
export const LiveCell = memo(function LiveCell(props: CellProps) {
  const { cell } = props;
  const [first, ...more] = cell.items;
  return (
    <>
      <LiveBuilds {...props} />
      <LiveFacts cell={cell} />
      {first && (
        <p className="mt-1 flex flex-wrap items-center gap-1">
          <ItemBadge {...props} item={first} />
          {more.length > 0 && (
            <span className="text-xs text-muted">
              <span aria-hidden>+{more.length}</span>
              <span className="sr-only">and {more.length} more</span>
            </span>
          )}
        </p>
      )}
    </>
  );
});

/** The live builds, each with a link; all of them where the destinations differ. */
export function LiveBuilds({
  organisation,
  project,
  cell: { live, destinations },
  withWord = false,
}: CellProps & { readonly withWord?: boolean }) {
  if (live.length === 0) {
    const words = destinations === 0 ? 'No destinations' : 'Never deployed';
    return (
      <p className="text-muted" title={words}>
        <span aria-hidden>–</span>
        <span className="sr-only">{words}</span>
      </p>
    );
  }
  return (
    <p className="wrap-anywhere">
      <LiveMark withWord={withWord} />
      {live.map((build, index) => (
        <span key={build.slug}>
          {index > 0 && ', '}
          <Link
            to={paths.release(organisation, project, build.slug)}
            className="font-medium no-underline hover:underline"
          >
            <UserText>{build.name}</UserText>
          </Link>
          {build.on.length > 0 && ` on ${build.on.join(', ')}`}
        </span>
      ))}
    </p>
  );
}

/** The mark before a live build. */
export const LiveMark = ({ withWord = false }: { readonly withWord?: boolean }) => (
  <>
    <span aria-hidden className="mr-1 text-passed">
      ●
    </span>
    <span className={withWord ? 'text-passed' : 'sr-only'}>{withWord ? 'Live ' : 'Live: '}</span>
  </>
);

/** Since when the live build runs, and who approved or released it. */
export function LiveFacts({ cell: { live, by, bypassedBy } }: { readonly cell: CellView }) {
  const [only, ...others] = live;
  if (!only) return null;
  return (
    <p className="text-xs text-muted wrap-anywhere">
      {others.length === 0 && <Since build={only} />}
      {bypassedBy && <span className="text-failed">{` · Bypassed by ${visibleText(bypassedBy)}`}</span>}
      {by && ` · ${visibleText(by)}`}
    </p>
  );
}

/** A board has too many times for a timer each. */
function Since({ build: { since } }: { readonly build: LiveView }) {
  const today = useContext(Today);
  const time = timeOf(since);
  if (!time) return null;
  return (
    <>
      since{' '}
      <time dateTime={since} title={exactTime(time)}>
        {shortTime(time, today)}
      </time>
    </>
  );
}

const Today = createContext(0);

/** Tells the times in it what day it is. */
export function TodayProvider({ children }: { readonly children: ReactNode }) {
  const today = useTimed(30_000, (now) => new Date(now).setHours(0, 0, 0, 0));
  return <Today value={today}>{children}</Today>;
}

/** Where an item leads: to the release's Policy Requirements, else to the environment of the project. */
export function itemPath({ organisation, project, cell }: CellProps, { build, intentId }: CellItem): string {
  return build
    ? paths.requirements(organisation, project, build.slug, intentId)
    : paths.environment(organisation, project, cell.environment);
}

/** One item of a cell, as a badge that leads to it. */
export function ItemBadge({ item, ...props }: CellProps & { readonly item: CellItem }) {
  const { build, label, tone, detail } = item;
  return (
    <Link
      to={itemPath(props, item)}
      title={visibleText([build?.name, label, detail].filter(Boolean).join(' · '))}
      className={classNames('max-w-full rounded no-underline hover:underline', 'pointer-coarse:py-2.5')}
    >
      <Badge tone={tone}>
        {build && (
          <>
            <UserText>{build.name}</UserText>{' '}
          </>
        )}
        <UserText>{label}</UserText>
      </Badge>
    </Link>
  );
}

/** The rule at the left edge of a cell that failed or is uncertain; undefined for others. */
export const cellRule = ({ items }: CellView): string | undefined => {
  const doubt = items.find(({ key }) => key.startsWith('doubt-'));
  return doubt && (doubt.tone === 'failed' ? 'border-l-2 border-l-failed' : 'border-l-2 border-l-waiting');
};
