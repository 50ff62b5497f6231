import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { describe, expect, test } from 'vitest';
import { type BoardCellSchema, BoardRowSchema, ReleaseStatus } from '#src/gen/forest/v1/releases_pb.ts';
import { cellView, quietSummary, rowView } from './board-view.ts';

type Cell = MessageInitShape<typeof BoardCellSchema>;

const row = (...cells: Cell[]) => create(BoardRowSchema, { project: 'checkout', cells });
const view = (cell: Cell) => {
  const [made] = row({ environment: 'production', ...cell }).cells;
  if (!made) throw new Error('The row has no cell');
  return cellView(made);
};
const badges = (cell: Cell) => view(cell).items.map(({ build, label, tone }) => [build?.name, label, tone]);

const live = (version: string, more: object = {}) => ({
  artifactId: version,
  slug: `build-${version}`,
  version,
  commitSha: '5f0c1d2e3b4a',
  since: '2026-11-24T10:12:00Z',
  ...more,
});
const at = (destination: string, liveArtifactId?: string, more: object = {}) => ({
  destination,
  liveArtifactId,
  ...more,
});
const waits = (version: string, more: object = {}) => ({
  releaseIntentId: `intent-${version}`,
  slug: `build-${version}`,
  version,
  commitSha: '5f0c1d2e3b4a',
  reason: 'awaiting approval: 1/2',
  requiredApprovals: 2,
  currentApprovals: 1,
  ...more,
});
const other = (version: string, reason: string, more: object = {}) =>
  waits(version, { reason, requiredApprovals: 0, currentApprovals: 0, ...more });
const delivery = (version: string, status: ReleaseStatus, more: object = {}) => ({
  releaseId: `release-${version}`,
  releaseIntentId: `intent-${version}`,
  slug: `build-${version}`,
  version,
  status,
  ...more,
});
const failure = (version: string, status: ReleaseStatus = ReleaseStatus.FAILED) => ({
  releaseIntentId: `intent-${version}`,
  slug: `build-${version}`,
  version,
  commitSha: '5f0c1d2e3b4a',
  status,
});

describe('the live build', () => {
  test('is named by its version, else by its short commit, else by its slug', () => {
    const name = (more: object) => view({ live: [live('1.5.0', more)], places: [at('eu', '1.5.0')] }).live;
    expect(name({})).toMatchObject([{ name: '1.5.0', slug: 'build-1.5.0', on: [] }]);
    expect(name({ version: '' })).toMatchObject([{ name: '5f0c1d2' }]);
    expect(name({ version: '', commitSha: '' })).toMatchObject([{ name: 'build-1.5.0' }]);
  });

  test.each([
    [['ana', 'bo'], 'author', { by: 'approved by ana, bo', bypassedBy: '' }],
    [['ana', 'bo', 'cy', 'di'], 'author', { by: 'approved by ana, bo and 2 more', bypassedBy: '' }],
    [[], 'author', { by: 'by author', bypassedBy: '' }],
    [[], undefined, { by: '', bypassedBy: '' }],
    [['ana', 'admin (bypass)'], 'author', { by: '', bypassedBy: 'admin' }],
  ])('approved by %j and requested by %s', (approvedBy, requestedBy, expected) => {
    const place = at('eu', '1.5.0', { requestedBy });
    expect(view({ live: [live('1.5.0', { approvedBy })], places: [place] })).toMatchObject(expected);
  });

  test('is shown with its destinations where they differ', () => {
    const places = [at('eu-west', '2.9.0'), at('us-east', '2.8.0'), at('us-west', '2.8.0')];
    const mixed = view({ live: [live('2.9.0'), live('2.8.0')], places });
    expect(mixed.live.map(({ name, on }) => [name, on])).toEqual([
      ['2.9.0', ['eu-west']],
      ['2.8.0', ['us-east', 'us-west']],
    ]);
    expect(mixed.by).toBe('');
    const half = view({ live: [live('2.9.0')], places: [at('eu-west', '2.9.0'), at('us-east')] });
    expect(half.live[0]?.on).toEqual(['eu-west']);
  });

  test('is none where nothing was deployed', () => {
    expect(view({ places: [at('eu')] })).toMatchObject({ live: [], items: [], destinations: 1 });
  });
});

describe('the badge', () => {
  test.each<[string, Cell, (string | undefined)[]]>([
    ['a missing vote', { waiting: [waits('1.5.0')] }, ['1.5.0', 'Awaiting approval 1/2', 'waiting']],
    [
      'a rejection',
      { waiting: [waits('1.5.0', { rejectedBy: ['bo'] })] },
      ['1.5.0', 'Rejected by bo', 'failed'],
    ],
    ['a plan', { plans: [other('1.5.0', '')] }, ['1.5.0', 'Awaiting plan approval', 'waiting']],
    [
      'a soak',
      { waiting: [other('1.5.0', '4m left of 5m in staging, ends 10:00 UTC')] },
      ['1.5.0', 'Soaking · 4m left', 'time'],
    ],
    [
      'a branch rule, whatever votes are missing',
      { waiting: [waits('1.5.0', { reason: 'branch "x" does not match ^main$; awaiting approval: 1/2' })] },
      ['1.5.0', 'Blocked', 'blocked'],
    ],
    [
      'a hold, said by the release',
      { waiting: [other('1.5.0', 'on hold since ana rolled back to 1.4.0')], onHold: true },
      ['1.5.0', 'On hold', 'waiting'],
    ],
    ['a hold without a release', { onHold: true }, [undefined, 'On hold', 'waiting']],
    [
      'a build that may be live elsewhere',
      { waiting: [other('1.5.0', '2.0 may be live on eu: timed out at 10:02 UTC')] },
      ['1.5.0', 'Waiting', 'time'],
    ],
    [
      'a bypass that soaks',
      { waiting: [other('1.5.0', '4m left of 5m in staging', { bypassedBy: 'admin' })] },
      ['1.5.0', 'Bypassed · soaking · 4m left', 'bypassed'],
    ],
    [
      'a delivery',
      { inFlight: [delivery('1.4.0', ReleaseStatus.RUNNING)] },
      ['1.4.0', 'Deploying', 'running'],
    ],
    [
      'a queued delivery',
      { inFlight: [delivery('1.4.1', ReleaseStatus.QUEUED, { queuePosition: 2 })] },
      ['1.4.1', 'Queued #2', 'time'],
    ],
    [
      'a delivery that was cancelled',
      { inFlight: [delivery('1.4.0', ReleaseStatus.CANCELLED, { cancelling: true })] },
      ['1.4.0', 'Cancelling', 'neutral'],
    ],
    [
      'a failure everywhere',
      { places: [at('eu', '1.4.0', { uncertain: true, failure: failure('1.5.0') })] },
      ['1.5.0', 'Failed', 'failed'],
    ],
    [
      'a failure somewhere',
      { places: [at('eu', '1.5.0'), at('us', '1.4.0', { uncertain: true, failure: failure('1.5.0') })] },
      ['1.5.0', 'Failed on us', 'failed'],
    ],
    [
      'a time-out',
      { places: [at('eu', '1', { uncertain: true, failure: failure('1.5.0', ReleaseStatus.TIMED_OUT) })] },
      ['1.5.0', 'Timed out', 'failed'],
    ],
    [
      'a cancellation while it ran',
      { places: [at('eu', '1', { uncertain: true, failure: failure('1.5.0', ReleaseStatus.CANCELLED) })] },
      ['1.5.0', 'Uncertain', 'waiting'],
    ],
    ['another doubt', { places: [at('eu', '1', { uncertain: true })] }, [undefined, 'Uncertain', 'waiting']],
  ])('says %s', (_, cell, expected) => {
    expect(badges(cell)).toEqual([expected]);
  });

  test('comes in the order of urgency', () => {
    const cell: Cell = {
      waiting: [
        other('1.1', '4m left of 5m in staging'),
        waits('1.2'),
        waits('1.3', { rejectedBy: ['bo'] }),
        waits('1.4'),
      ],
      inFlight: [
        delivery('1.5', ReleaseStatus.RUNNING),
        delivery('1.6', ReleaseStatus.QUEUED, { queuePosition: 1 }),
      ],
      places: [at('eu', '1.0', { uncertain: true, failure: failure('1.7') })],
      plans: [other('1.8', '')],
    };
    expect(badges(cell).map(([name]) => name)).toEqual([
      '1.7',
      '1.3',
      '1.2',
      '1.4',
      '1.8',
      '1.5',
      '1.6',
      '1.1',
    ]);
  });

  test('is one for all destinations of a delivery, and none for a failure that is being retried', () => {
    const retried = delivery('1.5.0', ReleaseStatus.RUNNING);
    const failed = { uncertain: true, failure: failure('1.5.0') };
    expect(
      badges({
        inFlight: [retried, { ...retried, status: ReleaseStatus.QUEUED }],
        places: [at('eu', '1', failed), at('us', '1', failed)],
      }),
    ).toEqual([['1.5.0', 'Deploying', 'running']]);
  });
});

describe('a row', () => {
  const quiet: Cell = { environment: 'staging', live: [live('0.4.1')], places: [at('eu', '0.4.1')] };

  test('counts what waits for people once per release, and what failed', () => {
    const failed = [at('eu', '1', { uncertain: true, failure: failure('1.4') })];
    const made = rowView(
      row({ environment: 'a', waiting: [waits('1.5')] }, { waiting: [waits('1.5')], places: failed }),
    );
    expect(made).toMatchObject({ waiting: 1, failed: 1, needsAttention: true, isQuiet: false });
  });

  test.each<[string, Cell, object]>([
    ['a missing vote', { waiting: [waits('1')] }, { needsAttention: true, waiting: 1 }],
    ['a soak', { waiting: [other('1', '1m left of 2m in a')] }, { needsAttention: false, waiting: 0 }],
    [
      'a delivery',
      { inFlight: [delivery('1', ReleaseStatus.RUNNING)] },
      { needsAttention: false, isEmpty: false },
    ],
    ['nothing', {}, { needsAttention: false, isEmpty: true, isQuiet: false }],
    ['a quiet build', quiet, { needsAttention: false, isEmpty: false, isQuiet: true }],
    [
      'a bypassed build',
      { ...quiet, live: [live('0.4.1', { approvedBy: ['admin (bypass)'] })] },
      { needsAttention: false, isEmpty: false, isQuiet: false },
    ],
  ])('with %s', (_, cell, expected) => {
    expect(rowView(row(cell))).toMatchObject(expected);
  });

  test('sums up a quiet project in one line', () => {
    const production: Cell = { ...quiet, environment: 'production' };
    const older: Cell = { environment: 'production', live: [live('0.4.0')], places: [at('eu', '0.4.0')] };
    expect(quietSummary(rowView(row(quiet, production)))).toBe('0.4.1 everywhere');
    expect(quietSummary(rowView(row(quiet, older)))).toBe('staging 0.4.1 · production 0.4.0');
    expect(quietSummary(rowView(row(quiet, { environment: 'production' })))).toBe('staging 0.4.1');
  });
});
