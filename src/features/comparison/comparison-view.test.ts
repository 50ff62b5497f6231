import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import {
  ComparisonDirection,
  DestinationStateSchema,
  GetReleaseComparisonResponseSchema,
  ReleaseIntentStateSchema,
  PipelineRunStageStatus as Stage,
  PipelineRunStageType as StageType,
} from '#src/gen/forest/v1/releases_pb.ts';
import { betweenLabel, comparisonView, liveRevision, waitingEnvironments } from './comparison-view.ts';

const live = (version: string) => ({ artifactId: `id-${version}`, slug: version, version });
const build = (version: string) => ({ artifactId: `id-${version}`, slug: version, version, title: version });
const { FORWARD, FIRST, SAME, ROLLBACK, OLDER } = ComparisonDirection;

const view = (answer: MessageInitShape<typeof GetReleaseComparisonResponseSchema>) =>
  comparisonView(create(GetReleaseComparisonResponseSchema, answer), 'id-1.5.0');

const people = (number: number) =>
  Array.from({ length: number }, (_, index) => ({ name: `author ${index}` }));

describe('comparisonView', () => {
  it('names the live build, the commits and the builds in between', () => {
    const shown = view({
      direction: FORWARD,
      destinations: [
        { destinationName: 'eu-west', live: live('1.4.2'), direction: FORWARD },
        { destinationName: 'us-east', live: live('1.4.2'), direction: FORWARD },
      ],
      builds: [build('1.5.0'), build('1.4.4'), build('1.4.3')],
      commitsTotal: 12,
      commitsComplete: true,
      contributors: people(4),
    });
    expect(shown.live.map(({ build: { version }, on }) => [version, on])).toEqual([['1.4.2', undefined]]);
    expect(shown.commits).toBe('12 commits by 4 people');
    expect(betweenLabel(shown.between)).toBe('2 builds in between: 1.4.4, 1.4.3');
    expect(shown.newer).toBeUndefined();
    expect(shown.noCommits).toBe(false);
  });

  it('names the destinations where they run different builds, nothing, or perhaps another build', () => {
    const shown = view({
      direction: FORWARD,
      destinations: [
        { destinationName: 'eu-west', live: live('1.4.2'), direction: FORWARD },
        { destinationName: 'us-east', live: live('1.4.1'), direction: FORWARD, uncertain: true },
        { destinationName: 'us-west', direction: FIRST },
      ],
    });
    expect(shown.live.map(({ build: { version }, on }) => [version, on])).toEqual([
      ['1.4.2', 'eu-west'],
      ['1.4.1', 'us-east'],
    ]);
    expect(shown.empty).toBe('us-west');
    expect(shown.uncertain).toBe('Uncertain: us-east may run another build than the live one.');
  });

  it.each([
    [ROLLBACK, 'Rollback: replaces 2.0.0, which is newer'],
    [OLDER, 'Older than what is live: replaces 2.0.0, which is newer'],
  ])('says that direction %i replaces a newer build, and what it removes', (direction, words) => {
    const shown = view({
      direction,
      destinations: [
        { destinationName: 'eu-west', live: live('1.4.2'), direction: FORWARD },
        { destinationName: 'us-east', live: live('2.0.0'), direction },
      ],
      builds: [build('2.0.0'), build('1.6.0')],
      commitsTotal: 1,
      contributors: people(1),
    });
    expect(shown.newer).toBe(words);
    expect(shown.commits).toBe('Removes at least 1 commit by 1 person');
    expect(shown.between.map(({ version }) => version)).toEqual(['1.6.0']);
  });

  it.each([
    [FORWARD, true],
    [ROLLBACK, true],
    [SAME, false],
    [FIRST, false],
  ])('with direction %i and no commits it asks CI to send them: %s', (direction, asked) => {
    const shown = view({ direction, destinations: [{ destinationName: 'eu-west', direction }] });
    expect(shown.noCommits).toBe(asked);
    expect(shown.commits).toBeUndefined();
  });
});

it('shortens a long list of builds', () => {
  const { between } = view({ builds: ['1.4.6', '1.4.5', '1.4.4', '1.4.3', '1.4.2'].map(build) });
  expect(betweenLabel(between)).toBe('5 builds in between: 1.4.6, 1.4.5, 1.4.4 and 2 more');
});

it('finds the environments at whose gates a release waits', () => {
  const deploy = (environment: string, status: Stage, more = {}) => ({
    stageType: StageType.DEPLOY,
    environment,
    status,
    ...more,
  });
  const intent = create(ReleaseIntentStateSchema, {
    stages: [
      { stageType: StageType.PLAN, environment: 'staging', status: Stage.AWAITING_APPROVAL },
      deploy('staging', Stage.PENDING),
      deploy('production', Stage.AWAITING_APPROVAL),
      deploy('production', Stage.AWAITING_APPROVAL),
      deploy('eu', Stage.PENDING, { reason: 'on hold' }),
      deploy('us', Stage.PENDING),
      deploy('rig', Stage.ACTIVE),
    ],
  });
  expect(waitingEnvironments(intent)).toEqual(['staging', 'production', 'eu']);
  expect(waitingEnvironments(undefined)).toEqual([]);
});

it('notices that another build is live in the environment, and not in others', () => {
  const at = (environment: string, releaseId: string) =>
    create(DestinationStateSchema, { environment, destinationName: environment, live: { releaseId } });
  const before = liveRevision([at('staging', '1'), at('production', '1')], 'production');
  expect(liveRevision([at('staging', '2'), at('production', '1')], 'production')).toBe(before);
  expect(liveRevision([at('staging', '1'), at('production', '2')], 'production')).not.toBe(before);
});
