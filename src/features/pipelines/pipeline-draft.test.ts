import { create } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { ReleasePipelineSchema } from '#src/gen/forest/v1/release_pipelines_pb.ts';
import { withChange, withoutStage, withStage } from './draft-changes.ts';
import {
  definitionsOf,
  draftOfPipeline,
  draftProblems,
  emptyPipelineDraft,
  isFine,
  type PipelineDraft,
  placeProblems,
  wireStages,
} from './pipeline-draft.ts';

const environments = ['staging', 'production'];

/** staging, then a wait, then production, as somebody adds them in the editor. */
function line(): PipelineDraft {
  let draft = withStage({ ...emptyPipelineDraft, name: 'main-line' }, 'deploy');
  draft = withChange(draft, '#0', { environment: 'staging' });
  draft = withChange(withStage(draft, 'wait'), '#1', { duration: '1h 30m' });
  return withChange(withStage(draft, 'deploy'), '#2', { environment: 'production' });
}

const dependencies = (draft: PipelineDraft) =>
  Object.fromEntries(definitionsOf(draft.stages).map(({ id, dependsOn }) => [id, dependsOn]));

describe('adding stages', () => {
  it('makes a line whose ids follow what the stages do', () => {
    expect(wireStages(line().stages)).toEqual([
      { id: 'staging', dependsOn: [], config: { case: 'deploy', value: { environment: 'staging' } } },
      { id: 'wait', dependsOn: ['staging'], config: { case: 'wait', value: { durationSeconds: 5_400n } } },
      {
        id: 'production',
        dependsOn: ['wait'],
        config: { case: 'deploy', value: { environment: 'production' } },
      },
    ]);
    expect(isFine(draftProblems(line(), environments, false))).toBe(true);
  });

  it('gives each an id of its own, and leaves one that was chosen', () => {
    let draft = withChange(withStage(line(), 'plan'), '#3', { environment: 'production' });
    expect(draft.stages[3]?.id).toBe('plan-production');
    draft = withChange(draft, '#3', { type: 'deploy' });
    expect(draft.stages[3]?.id).toBe('production-2');
    draft = withChange(draft, '#3', { id: 'again' });
    expect(withChange(draft, '#3', { environment: 'staging' }).stages[3]?.id).toBe('again');
  });
});

describe('changing stages', () => {
  it('keeps the ties when an id is changed', () => {
    const draft = withChange(line(), '#1', { id: 'breathe' });
    expect(dependencies(draft)).toEqual({ staging: [], breathe: ['staging'], production: ['breathe'] });
  });

  it('keeps the order when one between is removed, and never gives its key again', () => {
    const draft = withoutStage(line(), '#1');
    expect(dependencies(draft)).toEqual({ staging: [], production: ['staging'] });
    expect(withStage(draft, 'wait').stages.at(-1)?.key).toBe('#3');
  });

  it('never ties a stage to itself', () => {
    const ring = withChange(line(), '#0', { dependsOn: ['#1'] });
    expect(dependencies(withoutStage(ring, '#1')).staging).toEqual([]);
  });
});

describe('problems', () => {
  it('says what cannot be while somebody types, and not what is still to come', () => {
    const typing = withStage(emptyPipelineDraft, 'deploy');
    expect(isFine(draftProblems(typing, environments, true))).toBe(true);
    const saving = draftProblems(typing, environments, false);
    expect(saving.name).toMatch(/name/);
    expect(Object.keys(saving.ofStage['#0'] ?? {}).sort()).toEqual(['environment', 'id']);
    expect(isFine(draftProblems(emptyPipelineDraft, environments, true))).toBe(true);
    expect(draftProblems(emptyPipelineDraft, environments, false).stages).toMatch(/at least one stage/);
  });

  it('names a ring, an unreadable duration, an id that is taken and an environment that is gone', () => {
    const ring = withChange(line(), '#0', { dependsOn: ['#2'] });
    expect(draftProblems(ring, environments, true).stages).toMatch(
      /wait for each other: staging → production/,
    );
    const typed = withChange(line(), '#1', { duration: 'soon' });
    expect(draftProblems(typed, environments, true).ofStage['#1']?.duration).toMatch(/Write a duration/);
    const taken = withChange(line(), '#1', { id: 'staging' });
    expect(draftProblems(taken, environments, true).ofStage['#1']?.id).toMatch(/more than one stage/);
    expect(draftProblems(line(), ['staging'], true).ofStage['#2']?.environment).toMatch(/no environment/);
  });

  it('puts what the server says at its stage', () => {
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
  it('is edited and saved as it was', () => {
    const pipeline = create(ReleasePipelineSchema, { name: 'main-line', stages: wireStages(line().stages) });
    const draft = draftOfPipeline(pipeline);
    expect(draft && wireStages(draft.stages)).toEqual(wireStages(line().stages));
  });

  it('keeps a tie to a stage that does not exist, for the rules to name', () => {
    const stages = [{ id: 'a', dependsOn: ['b'], config: wireStages(line().stages)[0]?.config }];
    const draft = draftOfPipeline(create(ReleasePipelineSchema, { name: 'odd', stages }));
    expect(draft && draftProblems(draft, environments, true).ofStage['#0']?.dependsOn).toMatch(/not a stage/);
  });

  it('is not edited when it has a stage of an unknown kind', () => {
    expect(draftOfPipeline(create(ReleasePipelineSchema, { stages: [{ id: 'a' }] }))).toBeNull();
  });
});
