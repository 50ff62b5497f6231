import type { MessageInitShape } from '@bufbuild/protobuf';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findPipeline } from '#server/features/pipelines/service.ts';
import type { PipelineStageSchema } from '#server/gen/forest/v1/release_pipelines_pb.ts';
import { startTestApp, type TestApp } from './harness.ts';
import { refusal } from './refusal.ts';
import { stateOf, type World, world } from './world.ts';

type Stage = MessageInitShape<typeof PipelineStageSchema>;

let app: TestApp;
let w: World;
beforeAll(async () => {
  app = await startTestApp();
  w = await world(app);
});
afterAll(() => app.stop());

const deploy = (id: string, environment: string, ...dependsOn: string[]): Stage => ({
  id,
  dependsOn,
  config: { case: 'deploy', value: { environment } },
});
const wait = (id: string, seconds: bigint, ...dependsOn: string[]): Stage => ({
  id,
  dependsOn,
  config: { case: 'wait', value: { durationSeconds: seconds } },
});
const plan = (id: string, environment: string, ...dependsOn: string[]): Stage => ({
  id,
  dependsOn,
  config: { case: 'plan', value: { environment, autoApprove: true } },
});

const STAGES = [deploy('stage', 'staging'), wait('rest', 60n, 'stage'), plan('look', 'production', 'rest')];

const create = (name: string, stages: Stage[], by = w.admin) =>
  by.pipelines.createReleasePipeline({ project: w.project, name, stages });

describe('pipelines', () => {
  test('are kept as they were given', async () => {
    const { pipeline } = await create('kept', STAGES);
    expect(pipeline).toMatchObject({ name: 'kept', enabled: true, stages: STAGES });
    const { pipelines } = await w.author.pipelines.listReleasePipelines({ project: w.project });
    expect(pipelines).toEqual([pipeline]);
    expect(await refusal(create('kept', STAGES))).toMatchObject({ code: 'AlreadyExists' });
    await w.admin.pipelines.deleteReleasePipeline({ project: w.project, name: 'kept' });
  });

  test.each<[string, Stage[], string[]]>([
    ['no stages', [], ['stages']],
    ['a stage that does nothing', [deploy('a', 'staging'), { id: 'b' }], ['stages[1].config']],
    ['an unknown environment', [deploy('a', 'moon')], ['stages[0].deploy.environment']],
    ['an unknown dependency', [deploy('a', 'staging', 'z')], ['stages[0].depends_on']],
    ['itself as dependency', [deploy('a', 'staging', 'a')], ['stages[0].depends_on']],
    ['the same id twice', [deploy('a', 'staging'), wait('a', 5n)], ['stages[0].id', 'stages[1].id']],
    ['a wait of nothing', [wait('a', 0n)], ['stages[0].wait.duration_seconds']],
  ])('are refused with %s', async (_, stages, fields) => {
    const refused = await refusal(create('wrong', stages));
    expect(refused.code).toBe('InvalidArgument');
    expect(refused.fields.length).toBeGreaterThan(0);
    for (const field of refused.fields) expect(fields).toContain(field);
  });

  test('are refused with a cycle, which is named', async () => {
    const stages = [deploy('a', 'staging', 'c'), wait('b', 5n, 'a'), plan('c', 'production', 'b')];
    const refused = await refusal(create('round', stages));
    expect(refused.code).toBe('InvalidArgument');
    for (const id of ['a', 'b', 'c']) expect(refused.words).toContain(id);
  });

  test('are switched and changed, stages only when asked', async () => {
    await create('edited', STAGES);
    const update = (change: { enabled?: boolean; stages?: Stage[]; updateStages?: boolean }) =>
      w.admin.pipelines.updateReleasePipeline({ project: w.project, name: 'edited', ...change });
    expect((await update({ enabled: false })).pipeline).toMatchObject({ enabled: false, stages: STAGES });
    const ignored = await update({ stages: [deploy('a', 'moon')] });
    expect(ignored.pipeline?.stages).toHaveLength(3);
    const { pipeline } = await update({ stages: [deploy('only', 'staging')], updateStages: true });
    expect(pipeline).toMatchObject({ enabled: false, stages: [deploy('only', 'staging')] });
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

  test('are changed by admins only, and hidden from other organisations', async () => {
    const at = { project: w.project, name: 'walled' };
    await create('walled', STAGES);
    const stranger = (await world(app)).admin;
    for (const [caller, code] of [
      [w.author, 'PermissionDenied'],
      [stranger, 'NotFound'],
    ] as const) {
      expect(await refusal(create('more', STAGES, caller))).toMatchObject({ code });
      expect(await refusal(caller.pipelines.updateReleasePipeline({ ...at, enabled: false }))).toMatchObject({
        code,
      });
      expect(await refusal(caller.pipelines.deleteReleasePipeline(at))).toMatchObject({ code });
    }
    const seen = stranger.pipelines.listReleasePipelines({ project: w.project });
    expect(await refusal(seen)).toMatchObject({ code: 'NotFound' });
    await w.admin.pipelines.deleteReleasePipeline(at);
    expect(await refusal(w.admin.pipelines.deleteReleasePipeline(at))).toMatchObject({ code: 'NotFound' });
  });

  test('leave releases that are under way alone', async () => {
    const other = await world(app);
    const { project } = other;
    await other.admin.pipelines.createReleasePipeline({
      project,
      name: 'main',
      stages: [wait('long', 3600n)],
    });
    const { artifactId } = await other.artifact();
    const { intents } = await other.author.releases.release({ artifactId, usePipeline: true });
    await other.admin.pipelines.deleteReleasePipeline({ project, name: 'main' });
    const state = await stateOf(other, intents[0]?.releaseIntentId ?? '');
    expect(state.stages.map((stage) => stage.stageId)).toEqual(['long']);
  });

  test('are found by name, or as the only enabled one', async () => {
    const other = await world(app);
    const { project } = other;
    const { rows } = await app.context.db.pool.query(
      `select id from projects where organisation_id = $1 and name = 'checkout'`,
      [other.organisationId],
    );
    const find = (name: string | null) => findPipeline(app.context.db, rows[0].id, name);
    await expect(find(null)).rejects.toMatchObject({ kind: 'failed_precondition' });
    const make = (name: string) =>
      other.admin.pipelines.createReleasePipeline({ project, name, stages: [deploy('a', 'staging')] });
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
});
