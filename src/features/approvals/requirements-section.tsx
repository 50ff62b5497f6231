import { Badge } from '#src/components/badge.tsx';
import { Section } from '#src/components/section.tsx';
import { requirementsAnchor } from '#src/config/paths.ts';
import type { GetReleaseRequirementsResponse } from '#src/gen/forest/v1/policies_pb.ts';
import { ReleaseIntentStatus } from '#src/gen/forest/v1/releases_pb.ts';
import { EnvironmentPanel } from './environment-panel.tsx';
import type { ReleaseRef } from './queries.ts';
import { isOpen, tally } from './requirements-view.ts';

export interface RequirementsSectionProps {
  /** Whether the address of the section leads to this one. */
  readonly anchored?: boolean;
  readonly release: ReleaseRef;
  /** Title and slug of the build. */
  readonly releaseName: string;
  readonly requirements: GetReleaseRequirementsResponse;
}

/** The verdicts of the policies and the votes, by environment. Nothing for a release without policies. */
export function RequirementsSection({
  anchored = false,
  release,
  releaseName,
  requirements,
}: RequirementsSectionProps) {
  const { passed, total } = tally(requirements);
  if (total === 0) return null;
  const open =
    requirements.intentStatus === ReleaseIntentStatus.ACTIVE && requirements.environments.some(isOpen);
  const bypassed = requirements.intent?.stages.some((stage) => stage.bypassedBy);
  const tone = passed === total ? (bypassed ? 'neutral' : 'passed') : open ? 'waiting' : 'neutral';
  return (
    <Section
      title="Policy Requirements"
      {...(anchored ? { id: requirementsAnchor } : {})}
      flush
      aside={<Badge tone={tone}>{`${passed}/${total} passed`}</Badge>}
    >
      {requirements.environments
        .filter((environment) => environment.evaluations.length > 0)
        .map((environment) => (
          <EnvironmentPanel
            key={environment.stageId || environment.environment}
            release={release}
            releaseName={releaseName}
            requirements={requirements}
            environment={environment}
          />
        ))}
    </Section>
  );
}
