import { afterAll, expect, test } from 'vitest';
import { findPipeline } from '#server/features/pipelines/service.ts';
import { deployStage, planStage, waitStage } from './gate-world.ts';
import { startTestApp } from './harness.ts';
import { refusal } from './refusal.ts';
import { type Stage, world } from './world.ts';

const app = await startTestApp();
afterAll(() => app.stop());
const w = await world(app);

const STAGES: Stage[] = [
  deployStage('stage', 'staging'),
  waitStage('rest', 60n, 'stage'),
  planStage('look', 'production', 'rest'),
];

const create = (name: string, stages: Stage[]) =>
  w.admin.pipelines.createReleasePipeline({ project: w.project, name, stages });

test('pipelines are stored as given', async () => {
  const { pipeline } = await create('kept', STAGES);
  expect(pipeline).toMatchObject({ name: 'kept', enabled: true, stages: STAGES });
  const { pipelines } = await w.author.pipelines.listReleasePipelines({ project: w.project });
  expect(pipelines).toEqual([pipeline]);
  expect(await refusal(create('kept', STAGES))).toMatchObject({ code: 'AlreadyExists' });
  await w.admin.pipelines.deleteReleasePipeline({ project: w.project, name: 'kept' });
});

test('pipelines are enabled, disabled and changed; stages only with update_stages', async () => {
  await create('edited', STAGES);
  const update = (change: { enabled?: boolean; stages?: Stage[]; updateStages?: boolean }) =>
    w.admin.pipelines.updateReleasePipeline({ project: w.project, name: 'edited', ...change });
  expect((await update({ enabled: false })).pipeline).toMatchObject({ enabled: false, stages: STAGES });
  const ignored = await update({ stages: [deployStage('a', 'moon')] });
  expect(ignored.pipeline?.stages).toHaveLength(3);
  const { pipeline } = await update({ stages: [deployStage('only', 'staging')], updateStages: true });
  expect(pipeline).toMatchObject({ enabled: false, stages: [deployStage('only', 'staging')] });
  expect(await refusal(update({ stages: [], updateStages: true }))).toMatchObject({
    code: 'InvalidArgument',
  });
  await w.admin.pipelines.deleteReleasePipeline({ project: w.project, name: 'edited' });

  const { rows } = await app.context.db.pool.query(
    `select kind, before, after from history where subject = 'edited' order by id`,
  );
  expect(rows.map((row) => row.kind)).toEqual([
    'pipeline.created',
    ...['pipeline.updated', 'pipeline.updated', 'pipeline.updated'],
    'pipeline.deleted',
  ]);
  expect(rows[1]).toMatchObject({ before: { enabled: true }, after: { enabled: false } });
});

test('a change that expects another version is refused, and changes nothing', async () => {
  const { pipeline: made } = await create('versioned', STAGES);
  const update = (change: { enabled?: boolean; expectedVersion?: bigint }) =>
    w.admin.pipelines.updateReleasePipeline({ project: w.project, name: 'versioned', ...change });
  const seen = made?.version ?? 0n;
  const { pipeline } = await update({ enabled: false, expectedVersion: seen });
  expect(pipeline?.version).toBeGreaterThan(seen);
  expect(await refusal(update({ enabled: true, expectedVersion: seen }))).toMatchObject({
    code: 'Aborted',
    message: `Pipeline "versioned" has changed: it is at version ${pipeline?.version}, not ${seen}. Load it again.`,
  });
  expect((await update({})).pipeline).toMatchObject({ enabled: false });
  await w.admin.pipelines.deleteReleasePipeline({ project: w.project, name: 'versioned' });
});

test('pipelines are found by name, or as the only enabled one', async () => {
  const other = await world(app);
  const { project } = other;
  const { rows } = await app.context.db.pool.query(
    `select id from projects where organisation_id = $1 and name = 'checkout'`,
    [other.organisationId],
  );
  const find = (name: string | null) => findPipeline(app.context.db, rows[0].id, name);
  await expect(find(null)).rejects.toMatchObject({ kind: 'failed_precondition' });
  const make = (name: string) => other.pipeline(name, deployStage('a', 'staging'));
  await make('one');
  expect((await find(null)).name).toBe('one');
  await make('two');
  await expect(find(null)).rejects.toThrow(/several enabled pipelines \("one", "two"/);
  expect((await find('two')).name).toBe('two');
  await expect(find('three')).rejects.toMatchObject({ kind: 'not_found' });
  await other.admin.pipelines.updateReleasePipeline({ project, name: 'one', enabled: false });
  expect((await find(null)).name).toBe('two');
  await expect(find('one')).rejects.toMatchObject({ kind: 'failed_precondition' });
});
