import { useMemo } from 'react';
import { Section } from '#src/components/section.tsx';
import type { ReleasePipeline } from '#src/gen/forest/v1/release_pipelines_pb.ts';
import { graphOfPipeline } from './graph-stages.ts';
import { PipelineGraph } from './pipeline-graph.tsx';

/** A pipeline to look at, for who may not change it. */
export function PipelineView({ pipeline }: { readonly pipeline: ReleasePipeline }) {
  const { name, enabled, stages } = pipeline;
  const drawn = useMemo(() => graphOfPipeline(stages), [stages]);
  return (
    <Section title="Pipeline" aside={<span className="text-muted">{enabled ? 'Enabled' : 'Disabled'}</span>}>
      <PipelineGraph name={name} stages={drawn} />
    </Section>
  );
}
