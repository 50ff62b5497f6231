import { Badge } from '#src/components/badge.tsx';
import { Section } from '#src/components/section.tsx';
import { UserText } from '#src/components/user-text.tsx';
import { requirementsAnchor } from '#src/config/paths.ts';
import type { GetReleaseRequirementsResponse } from '#src/gen/forest/v1/policies_pb.ts';
import { ReleaseIntentStatus } from '#src/gen/forest/v1/releases_pb.ts';
import { listOf } from './ballot-labels.ts';
import { EnvironmentPanel } from './environment-panel.tsx';
import type { ReleaseRef } from './queries.ts';
import { decidableOf, isOpen, tally } from './requirements-view.ts';

export interface RequirementsSectionProps {
  readonly release: ReleaseRef;
  /** Title and slug of the build. */
  readonly releaseName: string;
  /** Project, version, branch and commit: `checkout 1.5.0 · main · c1b9a96`. */
  readonly identity: string;
  readonly requirements: GetReleaseRequirementsResponse;
}

/** What is voted on, the verdicts of the policies and the votes, by environment. Nothing for a release without policies. */
export function RequirementsSection({
  release,
  releaseName,
  identity,
  requirements,
}: RequirementsSectionProps) {
  const shown = requirements.environments.filter(({ evaluations }) => evaluations.length > 0);
  if (shown.length === 0) return null;
  const { passed, total } = tally(requirements);
  const open =
    requirements.intentStatus === ReleaseIntentStatus.ACTIVE && requirements.environments.some(isOpen);
  const bypassed = requirements.intent?.stages.some((stage) => stage.bypassedBy);
  const tone = passed === total ? (bypassed ? 'neutral' : 'passed') : open ? 'waiting' : 'neutral';
  const decidable = decidableOf(requirements);
  const authors = requirements.authors.map(({ username }) => username);
  const author = listOf(authors.length > 0 ? authors : [requirements.authorUsername], 'and');
  const line = author ? `${identity} · by ${author}` : identity;
  return (
    <Section
      title="Policy Requirements"
      id={requirementsAnchor}
      flush
      aside={total > 0 && <Badge tone={tone}>{`${passed}/${total} passed`}</Badge>}
    >
      <p className="px-4 pt-2 text-xs text-muted wrap-anywhere">
        <UserText>{line}</UserText>
      </p>
      {shown.map((environment) => (
        <EnvironmentPanel
          key={environment.stageId || environment.environment}
          release={release}
          releaseName={releaseName}
          identity={line}
          requirements={requirements}
          environment={environment}
          decides={environment === decidable}
        />
      ))}
    </Section>
  );
}
