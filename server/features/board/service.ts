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

/** A page of an organisation's deployment board: its projects by name, or one of them. The first page of all says what is set up. */
export async function readBoard(
  app: AppContext,
  { organisationId, projectId }: { readonly organisationId: string; readonly projectId: string | null },
  page: Page,
): Promise<{ rows: BoardRow[]; nextPageToken: string; setup: store.SetupRow | undefined }> {
  const params = [organisationId, projectId, page.after?.[0] ?? null, page.limit + 1] as const;
  const isFirst = projectId === null && !page.after;
  const [cells, [setup]] = await Promise.all([
    app.db.run(store.listCells, params),
    isFirst ? app.db.run(store.findSetup, [organisationId]) : [],
  ]);
  const byProject = Map.groupBy(cells, ({ project }) => project);
  const rows = [...byProject].map(([project, own]) => ({ project, cells: own.flatMap(cellOf) }));
  return { ...nextPageToken(rows, page.limit, ({ project }) => [project]), setup };
}

function cellOf(row: store.CellRow): Cell[] {
  const { environment } = row;
  if (environment === null) return [];
  const builds = new Map(row.places.flatMap(({ live }) => (live === null ? [] : [[live.artifactId, live]])));
  return [{ ...row, environment, live: [...builds.values()].sort((a, b) => b.order - a.order) }];
}
