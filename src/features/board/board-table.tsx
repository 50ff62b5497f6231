import { memo } from 'react';
import { Link } from 'react-router';
import { classNames } from '#src/components/class-names.ts';
import { paths } from '#src/config/paths.ts';
import type { RowView } from './board-view.ts';
import { cellRule, LiveCell } from './live-cell.tsx';
import { MoreRows } from './more-rows.tsx';
import { useWindow } from './use-window.ts';

export interface RowsProps {
  readonly organisation: string;
  readonly rows: readonly RowView[];
  /** What the rows are filtered by. */
  readonly filter: string;
}

export interface BoardTableProps extends RowsProps {
  readonly environments: readonly string[];
}

/** The height of a row with one line in each cell. */
const MIN_ROW_REM = 2.25;

const edge = 'border-b border-line px-3 py-2 text-left align-top';

/** Projects × environments; head and first column stay in view while the region scrolls. */
export function BoardTable({ organisation, rows, filter, environments }: BoardTableProps) {
  const { count, ...more } = useWindow({ total: rows.length, columns: environments.length, filter });
  return (
    <section
      aria-label="Projects and environments"
      // biome-ignore lint/a11y/noNoninteractiveTabindex: the region scrolls, so the keyboard must reach it.
      tabIndex={0}
      data-scrolls
      className="max-h-[max(24rem,calc(100dvh-14rem))] overflow-auto"
      // The rows that come next have their place, so that what is below does not move.
      style={{ minHeight: `min(max(24rem, 100dvh - 14rem), ${rows.length * MIN_ROW_REM}rem)` }}
    >
      <table
        aria-rowcount={rows.length + 1}
        className="w-full table-fixed border-separate border-spacing-0 text-sm"
      >
        <colgroup>
          <col className="w-44" />
          {environments.map((environment) => (
            <col key={environment} className="w-52" />
          ))}
        </colgroup>
        <thead>
          <tr>
            <th scope="col" className={classNames(edge, 'sticky top-0 left-0 z-20 bg-surface font-semibold')}>
              Project
            </th>
            {environments.map((environment) => (
              <th
                key={environment}
                scope="col"
                className={classNames(edge, 'sticky top-0 z-10 bg-surface font-semibold wrap-anywhere')}
              >
                {environment}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.slice(0, count).map((row) => (
            <BoardLine key={row.project} organisation={organisation} row={row} />
          ))}
        </tbody>
      </table>
      <MoreRows {...more} />
    </section>
  );
}

const BoardLine = memo(function BoardLine({
  organisation,
  row,
}: {
  readonly organisation: string;
  readonly row: RowView;
}) {
  const { project, cells } = row;
  return (
    <tr>
      <th scope="row" className={classNames(edge, 'sticky left-0 z-10 bg-surface font-normal')}>
        <Link
          to={paths.project(organisation, project)}
          className="font-medium wrap-anywhere no-underline hover:underline"
        >
          {project}
        </Link>
        <RowCounts row={row} />
      </th>
      {cells.map((cell) => (
        <td key={cell.environment} className={classNames(edge, cellRule(cell))}>
          <LiveCell organisation={organisation} project={project} cell={cell} />
        </td>
      ))}
    </tr>
  );
});

/** How much of a project waits for people or failed. */
export function RowCounts({ row: { waiting, failed } }: { readonly row: RowView }) {
  if (waiting === 0 && failed === 0) return null;
  return (
    <p className="text-xs">
      {waiting > 0 && <span className="text-waiting">{waiting} waiting</span>}
      {waiting > 0 && failed > 0 && ' · '}
      {failed > 0 && <span className="text-failed">{failed} failed</span>}
    </p>
  );
}
