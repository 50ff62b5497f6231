import type { Stage } from '#domain/release/stage.ts';
import { isWanted } from '#domain/release/start.ts';
import { isOpenToVotes } from './ballot.ts';
import type { Vote } from './vote.ts';

/** What was done to a destination of an environment. */
export interface DestinationChange {
  readonly destinationId: string;
  readonly destination: string;
  /** `changed`: its address or settings; a description or a rotated secret is no change. */
  readonly change: 'added' | 'changed' | 'removed';
  /** Whether the address has changed. */
  readonly address: boolean;
  /** The username; empty when it is not known. */
  readonly by: string;
  readonly at: Date;
  /** By the database's sequence. */
  readonly moment: number;
}

/** What a stage has yet to deploy to. */
export interface OpenStage extends Pick<Stage, 'onlyDestinations'> {
  readonly releases: readonly Pick<Stage['releases'][number], 'destinationId' | 'status'>[];
}

/** Whether a change is of a destination that the stage has yet to deploy to. */
const concerns = (stage: OpenStage, { destinationId, destination }: DestinationChange): boolean =>
  stage.releases.length === 0
    ? isWanted(stage, { name: destination })
    : stage.releases.some(
        (release) => release.destinationId === destinationId && release.status === 'QUEUED',
      );

/** The changes of destinations that one of the stages has yet to deploy to. */
export const changesFor = (
  stages: readonly OpenStage[],
  changes: readonly DestinationChange[],
): DestinationChange[] => changes.filter((change) => stages.some((stage) => concerns(stage, change)));

/** The deploy stages of an environment that votes still decide over. */
export const openStages = (stages: readonly Stage[], environment: string): Stage[] =>
  stages.filter(
    (stage) => stage.kind.type === 'deploy' && stage.kind.environment === environment && isOpenToVotes(stage),
  );

/** A change in words, such as `eu-west’s address was changed by admin since 2 of these votes`. */
export function changeSentence(change: DestinationChange, votes: readonly Pick<Vote, 'moment'>[]): string {
  const { destination, by } = change;
  const subject =
    change.change === 'changed'
      ? `${destination}’s ${change.address ? 'address was' : 'settings were'}`
      : `${destination} was`;
  const before = votes.filter(({ moment }) => moment < change.moment).length;
  return [
    `${subject} ${change.change}`,
    ...(by === '' ? [] : [`by ${by}`]),
    ...(before === 0 ? [] : [`since ${before} of these votes`]),
  ].join(' ');
}
