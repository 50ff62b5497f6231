import { equals } from '@bufbuild/protobuf';
import { useState } from 'react';
import {
  type Artifact,
  ArtifactSchema,
  type GetArtifactsByProjectResponse,
} from '#src/gen/forest/v1/releases_pb.ts';

/**
 * The artifacts of all pages, each the very same object as before where nothing in it changed: so that a poll in which one
 * release moved renders one row, not all of them.
 */
export function useSteadyArtifacts(
  pages: readonly GetArtifactsByProjectResponse[] | undefined,
): readonly Artifact[] {
  const [kept, setKept] = useState(() => ({
    pages,
    artifacts: pages?.flatMap((page) => page.artifact) ?? [],
  }));
  if (kept.pages === pages) return kept.artifacts;
  const before = new Map(kept.artifacts.map((artifact) => [artifact.artifactId, artifact]));
  const artifacts = (pages ?? []).flatMap((page) =>
    page.artifact.map((artifact) => {
      const known = before.get(artifact.artifactId);
      return known && (known === artifact || equals(ArtifactSchema, known, artifact)) ? known : artifact;
    }),
  );
  setKept({ pages, artifacts });
  return artifacts;
}
