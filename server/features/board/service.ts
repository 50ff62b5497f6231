import type { AppContext } from '#server/context.ts';
import type { LiveJson } from '#server/features/gate/rows.ts';
import { nextPageToken, type Page } from '#server/wire/pages.ts';
import * as store from './store.ts';

export interface Cell extends store.CellRow {
  readonly environment: string;
  /** The different live builds, newest first. */
  readonly live: readonly LiveJson[];
}

export interface BoardRow {
  readonly project: string;
  readonly cells: readonly Cell[];
}

/** A page of an organisation's deployment board: its projects by name, or one of them. */
export async function readBoard(
  app: AppContext,
  { organisationId, projectId }: { readonly organisationId: string; readonly projectId: string | null },
  page: Page,
): Promise<{ rows: BoardRow[]; nextPageToken: string }> {
  const params = [organisationId, projectId, page.after?.[0] ?? null, page.limit + 1] as const;
  const byProject = Map.groupBy(await app.db.run(store.listCells, params), ({ project }) => project);
  const rows = [...byProject].map(([project, cells]) => ({ project, cells: cells.flatMap(cellOf) }));
  return nextPageToken(rows, page.limit, ({ project }) => [project]);
}

function cellOf(row: store.CellRow): Cell[] {
  const { environment } = row;
  if (environment === null) return [];
  const builds = new Map(row.places.flatMap(({ live }) => (live === null ? [] : [[live.artifactId, live]])));
  return [{ ...row, environment, live: [...builds.values()].sort((a, b) => b.order - a.order) }];
}
