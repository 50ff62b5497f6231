import type { Transport } from '@connectrpc/connect';
import {
  createInfiniteQueryOptions,
  createQueryOptions,
  useQuery as useConnectQuery,
  useTransport,
} from '@connectrpc/connect-query';
import { type InfiniteData, useInfiniteQuery, useQuery } from '@tanstack/react-query';
import type { ProjectRef } from '#src/config/paths.ts';
import {
  type BoardRow,
  type BoardSetup,
  type GetDeploymentBoardResponse,
  ReleaseService,
  ReleaseStatus,
} from '#src/gen/forest/v1/releases_pb.ts';
import { paged } from '#src/lib/paged.ts';
import { VISIBLE_INTERVAL } from '#src/lib/poll-interval.ts';
import { polling } from '#src/lib/polling.ts';
import { type RowView, rowView } from './board-view.ts';

const { getDeploymentBoard } = ReleaseService.method;

/** Small, so that no answer keeps the page busy; the board loads all of them. */
const PAGE_SIZE = 50;
/** While nothing is being deployed, in milliseconds. */
const QUIET_INTERVAL = 10_000;

const never = () => false;
const isDeploying = ({ rows }: GetDeploymentBoardResponse) =>
  rows.some(({ cells }) =>
    cells.some(({ inFlight }) => inFlight.some(({ status }) => status !== ReleaseStatus.QUEUED)),
  );
const interval = (busy: boolean | undefined) => (busy ? VISIBLE_INTERVAL : QUIET_INTERVAL);

/** An organisation's board, for the loader and the screen. */
export const boardOptions = (transport: Transport, organisation: string) => ({
  ...createInfiniteQueryOptions(
    getDeploymentBoard,
    { organisation, pageSize: PAGE_SIZE, pageToken: '' },
    { transport, ...paged },
  ),
  ...polling<InfiniteData<GetDeploymentBoardResponse>>(never, (answer) =>
    // Steps of the guide are done on other pages and by other people.
    interval(answer?.pages.some((page) => isDeploying(page) || page.setup !== undefined)),
  ),
});

/** One project's environments, for the loader and the lanes. */
export const lanesOptions = (transport: Transport, { organisation, project }: ProjectRef) => ({
  ...createQueryOptions(getDeploymentBoard, { organisation, project }, { transport }),
  ...polling<GetDeploymentBoardResponse>(never, (answer) => interval(answer && isDeploying(answer))),
});

const views = new WeakMap<BoardRow, RowView>();

/** Computed once for a row: with each page that arrives, the earlier ones are read again. */
function viewOf(row: BoardRow): RowView {
  const known = views.get(row) ?? rowView(row);
  views.set(row, known);
  return known;
}

/** What the board shows. React Query compares the result with the last one, so that an unchanged poll renders nothing. */
const boardView = ({ pages }: InfiniteData<GetDeploymentBoardResponse>) => ({
  rows: pages.flatMap((page) => page.rows.map(viewOf)),
  environments: pages[0]?.rows[0]?.cells.map(({ environment }) => environment) ?? [],
  setup: setupView(pages[0]?.setup),
});

const setupView = (setup: BoardSetup | undefined) =>
  setup && {
    hasEnvironment: setup.hasEnvironment,
    hasDestination: setup.hasDestination,
    project: setup.project,
    hasPipeline: setup.hasPipeline,
    hasPolicy: setup.hasPolicy,
    hasColleague: setup.hasColleague,
    hasBuild: setup.hasBuild,
  };

export const useBoard = (organisation: string) =>
  useInfiniteQuery({ ...boardOptions(useTransport(), organisation), select: boardView });

export type BoardQuery = ReturnType<typeof useBoard>;

const laneViews = ({ rows }: GetDeploymentBoardResponse) => rows[0] && rowView(rows[0]).cells;

const environmentNames = ({ rows }: GetDeploymentBoardResponse) =>
  rows[0]?.cells.map(({ environment }) => environment) ?? [];
const NO_ENVIRONMENTS: readonly string[] = [];

/** The environments in their order, once the lanes have loaded them. The same array while it is unchanged. */
export function useEnvironmentOrder({ organisation, project }: ProjectRef): readonly string[] {
  const options = { enabled: false, select: environmentNames };
  return useConnectQuery(getDeploymentBoard, { organisation, project }, options).data ?? NO_ENVIRONMENTS;
}

export const useLanes = (ref: ProjectRef) =>
  useQuery({ ...lanesOptions(useTransport(), ref), select: laneViews });
