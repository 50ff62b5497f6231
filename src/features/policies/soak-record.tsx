import { useQuery } from '@connectrpc/connect-query';
import { keepPreviousData } from '@tanstack/react-query';
import { parseDuration } from '#domain/time/duration.ts';
import { UserText } from '#src/components/user-text.tsx';
import type { ProjectRef } from '#src/config/paths.ts';
import { PolicyService } from '#src/gen/forest/v1/policies_pb.ts';
import type { PolicyDraft } from './policy-draft.ts';

export interface SoakRecordProps {
  readonly project: ProjectRef;
  readonly draft: Pick<PolicyDraft, 'sourceEnvironment' | 'duration' | 'newerBuildsCount'>;
}

/** How often the source environment kept a build for as long as the typed soak requires; nothing until both are chosen. */
export function SoakRecord({ project, draft }: SoakRecordProps) {
  const { sourceEnvironment, newerBuildsCount } = draft;
  const duration = parseDuration(draft.duration);
  const durationSeconds = BigInt(duration.ok ? duration.seconds : 0);
  const enabled = duration.ok && sourceEnvironment !== '';
  const { data } = useQuery(
    PolicyService.method.getSoakRecord,
    { project, sourceEnvironment, durationSeconds, newerBuildsCount },
    { enabled, placeholderData: keepPreviousData },
  );
  if (!enabled || !data) return null;
  const { builds, kept, isSeldom } = data;
  return (
    <p role="status" className="text-sm text-muted wrap-anywhere">
      {builds === 0 ? (
        'In the last 14 days no build was deployed there long enough ago to tell how often this is reached.'
      ) : (
        <>
          In the last 14 days, <UserText>{sourceEnvironment}</UserText> kept {kept} of {builds}{' '}
          {builds === 1 ? 'build' : 'builds'} that long.
        </>
      )}
      {isSeldom && (
        <strong className="font-medium text-waiting">
          {' Releases will seldom pass: choose a shorter time'}
          {newerBuildsCount ? '.' : ', or keep counting when newer builds are deployed.'}
        </strong>
      )}
    </p>
  );
}
