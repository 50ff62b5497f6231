import { useMemo } from 'react';
import { Link, useRevalidator } from 'react-router';
import { Button } from '#src/components/button.tsx';
import { NewSection } from '#src/components/new-section.tsx';
import { Section } from '#src/components/section.tsx';
import { ActionError, Empty } from '#src/components/states.tsx';
import { announce } from '#src/components/toast.tsx';
import { type ProjectRef, paths } from '#src/config/paths.ts';
import type { Environment } from '#src/gen/forest/v1/environments_pb.ts';
import type { ReleasePipeline } from '#src/gen/forest/v1/release_pipelines_pb.ts';
import { usePipelineActions } from './pipeline-actions.tsx';
import { draftOfPipeline, emptyPipelineDraft, type PipelineDraft, wireStages } from './pipeline-draft.ts';
import { PipelineForm } from './pipeline-form.tsx';
import { PipelineGraph } from './pipeline-graph.tsx';
import { graphOfPipeline } from './stage-types.ts';
import { usePipelineMutations } from './use-pipelines.ts';

export interface CreatePipelineProps {
  readonly project: ProjectRef;
  /** The organisation's environments, in their order. */
  readonly environments: readonly PlannedEnvironment[];
}

type PlannedEnvironment = Pick<Environment, 'name' | 'cannotPlan'>;

/** What the form offers and warns of. */
function useEnvironments(environments: readonly PlannedEnvironment[]) {
  return useMemo(
    () => ({
      environments: environments.map(({ name }) => name),
      cannotPlan: new Map(environments.map(({ name, cannotPlan }) => [name, cannotPlan])),
    }),
    [environments],
  );
}

/** The form for a new pipeline, below the list. */
export function CreatePipeline({ project, environments }: CreatePipelineProps) {
  const { create } = usePipelineMutations();
  const offered = useEnvironments(environments);
  const save = async ({ name, stages }: PipelineDraft) => {
    await create.mutateAsync({ project, name, stages: wireStages(stages) });
    announce('Pipeline created. Releases can use it now.');
  };
  return (
    <NewSection title="New pipeline">
      {environments.length === 0 ? (
        <Empty title="No environments yet">
          <Link to={paths.environments(project.organisation)}>Create an environment</Link> before you create a
          pipeline.
        </Empty>
      ) : (
        <PipelineForm
          initial={emptyPipelineDraft}
          existing={false}
          {...offered}
          draftKey={`new-pipeline:${project.organisation}/${project.project}`}
          onSave={save}
        />
      )}
    </NewSection>
  );
}

export interface EditPipelineProps extends CreatePipelineProps {
  readonly pipeline: ReleasePipeline;
  /** Called after saving and deleting, and by **Cancel**. */
  readonly onDone: () => void;
}

/** An existing pipeline: its state, and its form. */
export function EditPipeline({ project, pipeline, environments, onDone }: EditPipelineProps) {
  const { update } = usePipelineMutations();
  const { revalidate } = useRevalidator();
  const actions = usePipelineActions(project, pipeline, { onToggled: revalidate, onDeleted: onDone });
  const offered = useEnvironments(environments);
  // From the pipeline as loaded: a later refetch must not overwrite input.
  const initial = useMemo(() => draftOfPipeline(pipeline), [pipeline]);
  const save = async ({ stages }: PipelineDraft) => {
    await update.mutateAsync({
      project,
      name: pipeline.name,
      stages: wireStages(stages),
      updateStages: true,
      expectedVersion: pipeline.version,
    });
    announce('Pipeline saved. Releases in progress keep their own copy.');
    onDone();
  };
  return (
    <Section
      title="Pipeline"
      aside={<span className="text-muted">{pipeline.enabled ? 'Enabled' : 'Disabled'}</span>}
      actions={
        <>
          <Button onClick={actions.toggle} pending={actions.toggling}>
            {pipeline.enabled ? 'Disable' : 'Enable'}
          </Button>
          <Button onClick={actions.askDelete}>Delete…</Button>
        </>
      }
    >
      <div className="flex flex-col gap-4">
        {actions.dialog}
        {actions.problem && <ActionError>{actions.problem}</ActionError>}
        {initial ? (
          <PipelineForm
            initial={initial}
            existing
            {...offered}
            draftKey={`pipeline:${project.organisation}/${project.project}/${pipeline.name}`}
            onSave={save}
            onCancel={onDone}
            stored={{ changes: stageNames(pipeline), load: revalidate }}
          />
        ) : (
          <p>This pipeline has a stage of an unknown type and can't be edited here.</p>
        )}
      </div>
    </Section>
  );
}

const stageNames = ({ stages }: ReleasePipeline): string =>
  `its stages are ${stages.map(({ id }) => id).join(', ')}`;

/** A pipeline for members, who can't change it. */
export function PipelineView({ pipeline }: { readonly pipeline: ReleasePipeline }) {
  const { name, enabled, stages } = pipeline;
  const graph = useMemo(() => graphOfPipeline(stages), [stages]);
  return (
    <Section title="Pipeline" aside={<span className="text-muted">{enabled ? 'Enabled' : 'Disabled'}</span>}>
      <PipelineGraph name={name} stages={graph} />
      <p className="mt-2 text-muted">Admins can change this pipeline.</p>
    </Section>
  );
}
