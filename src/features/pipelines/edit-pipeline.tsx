import { useMemo } from 'react';
import { Section } from '#src/components/section.tsx';
import { announce } from '#src/components/toast.tsx';
import type { ReleasePipeline } from '#src/gen/forest/v1/release_pipelines_pb.ts';
import { draftOfPipeline, type PipelineDraft, wireStages } from './pipeline-draft.ts';
import { PipelineEditor } from './pipeline-editor.tsx';
import { usePipelineWrites } from './use-pipeline-writes.ts';

export interface EditPipelineProps {
  readonly organisation: string;
  readonly project: string;
  readonly pipeline: ReleasePipeline;
  readonly environments: readonly string[];
  /** Back to the list: after saving, and by **Cancel**. */
  readonly onDone: () => void;
}

/** The editor for a pipeline that stands. */
export function EditPipeline({ organisation, project, pipeline, environments, onDone }: EditPipelineProps) {
  const { update } = usePipelineWrites();
  // The form starts from the pipeline as it was when the page opened; later answers must not overwrite what is typed.
  const initial = useMemo(() => draftOfPipeline(pipeline), [pipeline]);
  if (!initial) return <p>It has a kind of stage that this dashboard does not know, so it cannot edit it.</p>;
  const save = async ({ stages }: PipelineDraft) => {
    await update.mutateAsync({
      project: { organisation, project },
      name: pipeline.name,
      stages: wireStages(stages),
      updateStages: true,
    });
    announce('Pipeline saved. Releases under way keep their own copy.');
    onDone();
  };
  return (
    <Section title="Pipeline">
      <PipelineEditor
        initial={initial}
        existing
        environments={environments}
        draftKey={`pipeline:${organisation}/${project}/${pipeline.name}`}
        onSave={save}
        onCancel={onDone}
      />
    </Section>
  );
}
