import {
  type BuildRef,
  ComparisonDirection,
  type DestinationState,
  type GetReleaseComparisonResponse,
  type LiveBuild,
  type ReleaseIntentState,
  PipelineRunStageStatus as Stage,
  PipelineRunStageType as StageType,
} from '#src/gen/forest/v1/releases_pb.ts';
import { buildName, replacesNewer } from '#src/lib/build-words.ts';

/** So many environments are compared at once; the others when their fold is opened. */
export const MAX_OPEN = 2;

/** The environments at whose gates a release waits, each once, in the order of its stages. */
export function waitingEnvironments(intent: ReleaseIntentState | undefined): string[] {
  const waiting = (intent?.stages ?? []).filter(
    ({ status, stageType, reason }) =>
      status === Stage.AWAITING_APPROVAL ||
      (status === Stage.PENDING && stageType === StageType.DEPLOY && reason),
  );
  return [...new Set(waiting.flatMap(({ environment }) => environment ?? []))];
}

/** Changes exactly when something else is live in an environment. */
export const liveRevision = (
  destinations: readonly DestinationState[] | undefined,
  environment: string,
): string | undefined =>
  destinations
    ?.filter((one) => one.environment === environment)
    .map(({ destinationName, live, uncertain }) => `${destinationName} ${live?.releaseId} ${uncertain}`)
    .join();

export interface ComparisonView {
  /** The different live builds; each with its destinations where not all of them run it. */
  readonly live: readonly { readonly build: LiveBuild; readonly on: string | undefined }[];
  /** The destinations that run nothing of the project, where others do. */
  readonly empty: string | undefined;
  /** What is said of a build that replaces a newer one. */
  readonly newer: string | undefined;
  /** What is said where another build than the live one may run. */
  readonly uncertain: string | undefined;
  /** `12 commits by 4 people`; undefined without commits. */
  readonly commits: string | undefined;
  /** The builds between the live one and this one, newest first. */
  readonly between: readonly BuildRef[];
  /** Whether commits are missing that CI could send. */
  readonly noCommits: boolean;
}

/** What a reader is told of a comparison. */
export function comparisonView(answer: GetReleaseComparisonResponse, artifactId: string): ComparisonView {
  const { destinations, direction, builds } = answer;
  const byBuild = Map.groupBy(destinations, ({ live }) => live?.artifactId);
  const live = [...byBuild.values()].flatMap((group) => {
    const build = group[0]?.live;
    return build ? [{ build, on: byBuild.size > 1 ? namesOf(group) : undefined }] : [];
  });
  const nothing = byBuild.get(undefined);
  const doubtful = destinations.filter(({ uncertain }) => uncertain);
  const known = new Set([artifactId, ...live.map(({ build }) => build.artifactId)]);
  const isSame = direction === ComparisonDirection.SAME || direction === ComparisonDirection.FIRST;
  return {
    live,
    empty: live.length > 0 && nothing ? namesOf(nothing) : undefined,
    newer: replacesNewer(direction, destinations.find((one) => one.direction === direction)?.live),
    uncertain:
      doubtful.length > 0
        ? `Uncertain: ${namesOf(doubtful)} may run another build than the live one.`
        : undefined,
    commits: commitsLabel(answer),
    between: builds.filter((build) => !known.has(build.artifactId)),
    noCommits: answer.commitsTotal === 0 && !isSame,
  };
}

const namesOf = (group: GetReleaseComparisonResponse['destinations']): string =>
  group.map(({ destinationName }) => destinationName).join(', ');

const count = (number: number, noun: string, plural = `${noun}s`): string =>
  `${number.toLocaleString('en-GB')} ${number === 1 ? noun : plural}`;

function commitsLabel({
  commitsTotal,
  commitsComplete,
  contributors,
  direction,
}: GetReleaseComparisonResponse): string | undefined {
  if (commitsTotal === 0) return undefined;
  const people = contributors.length > 0 ? ` by ${count(contributors.length, 'person', 'people')}` : '';
  const commits = `${count(commitsTotal, 'commit')}${people}`;
  const replaces = replacesNewer(direction, undefined) !== undefined;
  if (replaces) return `${commitsComplete ? 'Removes' : 'Removes at least'} ${commits}`;
  return commitsComplete ? commits : `At least ${commits}`;
}

/** `2 builds in between: 1.4.3, 1.4.4`, the first three by name. */
export function betweenLabel(between: readonly BuildRef[]): string {
  const names = between.slice(0, 3).map(buildName);
  const more = between.length - names.length;
  return `${count(between.length, 'build')} in between: ${names.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}
