import { ChevronRight } from 'lucide-react';
import { memo } from 'react';
import { Link } from 'react-router';
import { classNames } from '#src/components/class-names.ts';
import { UserText } from '#src/components/user-text.tsx';
import { paths } from '#src/config/paths.ts';
import { RowCounts, type RowsProps } from './board-table.tsx';
import { type CellView, quietSummary, type RowView } from './board-view.ts';
import { cellRule, ItemBadge, LiveFacts, LiveMark } from './live-cell.tsx';
import { MoreRows } from './more-rows.tsx';
import { useWindow } from './use-window.ts';

/** The board on a phone: a card per project, those that need attention first; a quiet project is one line. */
export function BoardCards({ organisation, rows, filter }: RowsProps) {
  const sorted = rows.toSorted((a, b) => Number(b.needsAttention) - Number(a.needsAttention));
  const columns = sorted[0]?.cells.length ?? 0;
  const { count, ...more } = useWindow({ total: sorted.length, columns, filter });
  return (
    <>
      <ul aria-label="Projects">
        {sorted.slice(0, count).map((row) => (
          <Card key={row.project} organisation={organisation} row={row} />
        ))}
      </ul>
      <MoreRows {...more} />
    </>
  );
}

const Card = memo(function Card({
  organisation,
  row,
}: {
  readonly organisation: string;
  readonly row: RowView;
}) {
  const { project, cells, isQuiet } = row;
  const address = paths.project(organisation, project);
  return (
    <li className="border-b border-line px-4 last:border-b-0">
      <Link to={address} className="flex min-h-11 flex-wrap items-center gap-x-2 py-2 no-underline">
        <span className="min-w-0 font-medium wrap-anywhere">{project}</span>
        {isQuiet && (
          <span className="min-w-0 text-xs text-muted wrap-anywhere">
            <UserText>{quietSummary(row)}</UserText>
          </span>
        )}
        <span className="ml-auto flex items-center gap-1">
          <RowCounts row={row} />
          <ChevronRight aria-hidden size={16} className="text-muted" />
        </span>
      </Link>
      {!isQuiet && (
        <ul aria-label={`Environments of ${project}`} className="pb-2">
          {cells.map((cell) => (
            <CardLine key={cell.environment} organisation={organisation} project={project} cell={cell} />
          ))}
        </ul>
      )}
    </li>
  );
});

function CardLine(props: {
  readonly organisation: string;
  readonly project: string;
  readonly cell: CellView;
}) {
  const { organisation, project, cell } = props;
  const { environment, live, items } = cell;
  const [only] = live;
  const [first, ...more] = items;
  return (
    <li className={classNames('pl-2', cellRule(cell))}>
      <Link
        to={paths.environment(organisation, project, environment)}
        className="flex min-h-11 flex-wrap items-center gap-x-2 text-sm no-underline"
      >
        <span className="w-24 shrink-0 text-muted wrap-anywhere">{environment}</span>
        <span className="min-w-0 flex-1 wrap-anywhere">
          {only ? <LiveMark /> : <span className="sr-only">Never deployed</span>}
          {only ? (
            <UserText>
              {live.map(({ name, on }) => (on.length > 0 ? `${name} on ${on.join(', ')}` : name)).join(', ')}
            </UserText>
          ) : (
            <span aria-hidden>–</span>
          )}
        </span>
        <LiveFacts cell={cell} />
      </Link>
      {first && (
        <p className="flex flex-wrap items-center gap-1 pb-1">
          <ItemBadge {...props} item={first} />
          {more.length > 0 && (
            <span className="text-xs text-muted">
              +{more.length} <span className="sr-only">more</span>
            </span>
          )}
        </p>
      )}
    </li>
  );
}
