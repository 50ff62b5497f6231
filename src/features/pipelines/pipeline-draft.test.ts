import { create } from '@bufbuild/protobuf';
import { describe, expect, it, test } from 'vitest';
import { ReleasePipelineSchema } from '#src/gen/forest/v1/release_pipelines_pb.ts';
import { possibleDependencies, withChange, withoutStage, withStage } from './draft-changes.ts';
import {
  definitionsOf,
  draftOfPipeline,
  draftProblems,
  emptyPipelineDraft,
  hasProblems,
  type PipelineDraft,
  placeProblems,
  wireStages,
} from './pipeline-draft.ts';
import { graphOfDraft, stageTitles } from './stage-types.ts';

const environments = ['staging', 'production'];

/** A pipeline as added in the editor: staging, wait, production. */
function line(): PipelineDraft {
  let draft = withStage({ ...emptyPipelineDraft, name: 'main-line' }, 'deploy');
  draft = withChange(draft, '#0', { environment: 'staging' });
  draft = withChange(withStage(draft, 'wait'), '#1', { duration: '1h 30m' });
  return withChange(withStage(draft, 'deploy'), '#2', { environment: 'production' });
}

const dependencies = (draft: PipelineDraft) =>
  Object.fromEntries(definitionsOf(draft.stages).map(({ id, dependsOn }) => [id, dependsOn]));

describe('adding stages', () => {
  it('connects stages in a line and derives their ids', () => {
    expect(wireStages(line().stages)).toEqual([
      { id: 'staging', dependsOn: [], config: { case: 'deploy', value: { environment: 'staging' } } },
      { id: 'wait', dependsOn: ['staging'], config: { case: 'wait', value: { durationSeconds: 5_400n } } },
      {
        id: 'production',
        dependsOn: ['wait'],
        config: { case: 'deploy', value: { environment: 'production' } },
      },
    ]);
    expect(hasProblems(draftProblems(line(), environments, false))).toBe(false);
  });

  it('derives unique ids, and keeps an id that was typed', () => {
    let draft = withChange(withStage(line(), 'plan'), '#3', { environment: 'production' });
    expect(draft.stages[3]?.id).toBe('plan-production');
    draft = withChange(draft, '#3', { type: 'deploy' });
    expect(draft.stages[3]?.id).toBe('production-2');
    draft = withChange(draft, '#3', { id: 'again' });
    expect(withChange(draft, '#3', { environment: 'staging' }).stages[3]?.id).toBe('again');
  });
});

describe('changing stages', () => {
  it('keeps dependencies when an id changes', () => {
    const draft = withChange(line(), '#1', { id: 'breathe' });
    expect(dependencies(draft)).toEqual({ staging: [], breathe: ['staging'], production: ['breathe'] });
  });

  it('keeps the order when a stage is removed, and never reuses its key', () => {
    const draft = withoutStage(line(), '#1');
    expect(dependencies(draft)).toEqual({ staging: [], production: ['staging'] });
    expect(withStage(draft, 'wait').stages.at(-1)?.key).toBe('#3');
  });

  it('never makes a stage depend on itself', () => {
    const ring = withChange(line(), '#0', { dependsOn: ['#1'] });
    expect(dependencies(withoutStage(ring, '#1')).staging).toEqual([]);
  });
});

describe('possible dependencies', () => {
  const offered = (draft: PipelineDraft, key: string) => {
    const stage = draft.stages.find((each) => each.key === key);
    return stage && possibleDependencies(draft.stages, stage).map(({ id }) => id);
  };

  it('are the stages that do not depend on the stage, wherever they are in the list', () => {
    expect(offered(line(), '#0')).toEqual([]);
    expect(offered(line(), '#1')).toEqual(['staging']);
    expect(offered(line(), '#2')).toEqual(['staging', 'wait']);
    const loose = withChange(withStage(line(), 'wait'), '#3', { dependsOn: [] });
    expect(offered(loose, '#0')).toEqual(['wait-2']);
  });

  it('contain those of a stored cycle, so that it can be undone', () => {
    const ring = withChange(line(), '#0', { dependsOn: ['#2'] });
    expect(offered(ring, '#0')).toEqual(['production']);
  });
});

test('a stage has a title of one line', () => {
  const draft = withChange(line(), '#2', { dependsOn: ['#0', '#1'] });
  const problems = draftProblems(draft, environments, true);
  expect(stageTitles(graphOfDraft(draft.stages, problems))).toEqual([
    '1 · Deploy to staging',
    '2 · Wait 1h 30m · after staging',
    '3 · Deploy to production · after staging, wait',
  ]);
});

describe('problems', () => {
  it('reports invalid values while the user types, and empty ones on saving only', () => {
    const typing = withStage(emptyPipelineDraft, 'deploy');
    expect(hasProblems(draftProblems(typing, environments, true))).toBe(false);
    const saving = draftProblems(typing, environments, false);
    expect(saving.name).toMatch(/name/);
    expect(Object.keys(saving.ofStage['#0'] ?? {}).sort()).toEqual(['environment', 'id']);
    expect(hasProblems(draftProblems(emptyPipelineDraft, environments, true))).toBe(false);
    expect(draftProblems(emptyPipelineDraft, environments, false).stages).toMatch(/at least one stage/);
  });

  it('reports a cycle, an invalid duration, a duplicate id and a deleted environment', () => {
    const ring = withChange(line(), '#0', { dependsOn: ['#2'] });
    expect(draftProblems(ring, environments, true).stages).toMatch(
      /depend on each other: staging → production/,
    );
    const typed = withChange(line(), '#1', { duration: 'soon' });
    expect(draftProblems(typed, environments, true).ofStage['#1']?.duration).toMatch(
      /Enter a duration such as/,
    );
    const taken = withChange(line(), '#1', { id: 'staging' });
    expect(draftProblems(taken, environments, true).ofStage['#1']?.id).toMatch(/more than one stage/);
    expect(draftProblems(line(), ['staging'], true).ofStage['#2']?.environment).toMatch(/no environment/);
  });

  it('assigns a refusal to its stage', () => {
    expect(
      placeProblems(line().stages, [
        { field: 'stages[1].wait.duration_seconds', message: 'too long' },
        { field: 'stages[2].depends_on[0]', message: 'unknown' },
        { field: 'stages[2].deploy.environment', message: 'gone' },
        { field: 'name', message: 'odd' },
        { field: 'project', message: 'missing' },
      ]),
    ).toEqual({
      name: 'odd',
      form: 'project: missing',
      ofStage: { '#1': { duration: 'too long' }, '#2': { dependsOn: 'unknown', environment: 'gone' } },
    });
  });
});

describe('a saved pipeline', () => {
  it('is saved unchanged', () => {
    const pipeline = create(ReleasePipelineSchema, { name: 'main-line', stages: wireStages(line().stages) });
    const draft = draftOfPipeline(pipeline);
    expect(draft && wireStages(draft.stages)).toEqual(wireStages(line().stages));
  });

  it('keeps a dependency on an unknown stage, which validation reports', () => {
    const stages = [{ id: 'a', dependsOn: ['b'], config: wireStages(line().stages)[0]?.config }];
    const draft = draftOfPipeline(create(ReleasePipelineSchema, { name: 'odd', stages }));
    expect(draft && draftProblems(draft, environments, true).ofStage['#0']?.dependsOn).toMatch(/not a stage/);
  });

  it('is not editable with a stage of an unknown type', () => {
    expect(draftOfPipeline(create(ReleasePipelineSchema, { stages: [{ id: 'a' }] }))).toBeNull();
  });
});
