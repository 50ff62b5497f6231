import { Link } from 'react-router';
import { Section } from '#src/components/section.tsx';
import { Empty } from '#src/components/states.tsx';
import { announce } from '#src/components/toast.tsx';
import { paths } from '#src/config/paths.ts';
import { emptyPipelineDraft, type PipelineDraft, wireStages } from './pipeline-draft.ts';
import { PipelineEditor } from './pipeline-editor.tsx';
import { usePipelineWrites } from './use-pipeline-writes.ts';

export interface CreatePipelineProps {
  readonly organisation: string;
  readonly project: string;
  readonly environments: readonly string[];
}

/** The editor for a new pipeline, below the list. */
export function CreatePipeline({ organisation, project, environments }: CreatePipelineProps) {
  const { create } = usePipelineWrites();
  const save = async ({ name, stages }: PipelineDraft) => {
    await create.mutateAsync({ project: { organisation, project }, name, stages: wireStages(stages) });
    announce('Pipeline created. Releases can use it now.');
  };
  return (
    <Section title="New pipeline">
      {environments.length === 0 ? (
        <Empty title="A pipeline needs environments to deploy to.">
          <Link to={paths.environments(organisation)}>Create the first one of {organisation}</Link>, then come
          back.
        </Empty>
      ) : (
        <PipelineEditor
          initial={emptyPipelineDraft}
          existing={false}
          environments={environments}
          draftKey={`new-pipeline:${organisation}/${project}`}
          onSave={save}
          onCancel={() => {}}
        />
      )}
    </Section>
  );
}
