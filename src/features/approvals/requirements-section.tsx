import { Badge } from '#src/components/badge.tsx';
import { Section } from '#src/components/section.tsx';
import { requirementsAnchor } from '#src/config/paths.ts';
import type { GetReleaseRequirementsResponse } from '#src/gen/forest/v1/policies_pb.ts';
import { ReleaseIntentStatus } from '#src/gen/forest/v1/releases_pb.ts';
import { EnvironmentPanel } from './environment-panel.tsx';
import type { Voter } from './optimistic-vote.ts';
import type { ReleaseRef } from './queries.ts';
import { stillOpen, tally } from './requirements-view.ts';

export interface RequirementsSectionProps {
  readonly release: ReleaseRef;
  /** The release as people know it: its title and slug. */
  readonly releaseName: string;
  readonly requirements: GetReleaseRequirementsResponse;
  /** Who is signed in; undefined while that is not known, when nothing can be voted. */
  readonly voter: Voter | undefined;
}

/**
 * Policy Requirements: for each environment with policies their verdicts, and the votes. Verdicts and permissions are the
 * server's; nothing is shown for a release without policies.
 */
export function RequirementsSection({ release, releaseName, requirements, voter }: RequirementsSectionProps) {
  const { passed, total } = tally(requirements);
  if (total === 0) return null;
  const open =
    requirements.intentStatus === ReleaseIntentStatus.ACTIVE && requirements.environments.some(stillOpen);
  const tone = passed === total ? 'passed' : open ? 'waiting' : 'neutral';
  return (
    <Section
      title="Policy Requirements"
      id={requirementsAnchor}
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
            voter={voter}
          />
        ))}
    </Section>
  );
}
