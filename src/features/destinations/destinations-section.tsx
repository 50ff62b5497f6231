import { type ComponentType, lazy, memo, Suspense } from 'react';
import { Link } from 'react-router';
import { Badge } from '#src/components/badge.tsx';
import { Fold } from '#src/components/fold.tsx';
import { ShortTime } from '#src/components/relative-time.tsx';
import { Section } from '#src/components/section.tsx';
import { Empty, Failed, Loading } from '#src/components/states.tsx';
import { UserText } from '#src/components/user-text.tsx';
import { paths } from '#src/config/paths.ts';
import { BuildState, type DestinationState } from '#src/gen/forest/v1/releases_pb.ts';
import { buildName } from '#src/lib/build-words.ts';
import { describeError } from '#src/lib/errors.ts';
import { destinationLabels, destinationTime, groupDestinations } from './destination-labels.ts';
import { MAX_DESTINATIONS } from './use-destination-states.ts';

export interface DestinationsSectionProps {
  readonly organisation: string;
  readonly project: string;
  readonly artifactId: string;
  readonly isAdmin: boolean;
  readonly states: readonly DestinationState[] | undefined;
  /** The environments of the shown release, comma-separated: they come first. Empty for a build that was never released. */
  readonly targets: string;
  /** **Roll back…** of an environment that runs this build. */
  readonly RollBack: ComponentType<{
    readonly organisation: string;
    readonly project: string;
    readonly environment: string;
  }>;
  /** Why loading the states failed; null if it did not. */
  readonly error: unknown;
  readonly onRetry: () => void;
}

/** The organisation's destinations by environment, with the state of this artifact on each. */
export function DestinationsSection({ states, error, onRetry, ...build }: DestinationsSectionProps) {
  return (
    <Section title="Destinations" flush>
      {states ? (
        <Destinations {...build} states={states} />
      ) : error ? (
        <Failed title="Couldn't load destinations" message={describeError(error).message} onRetry={onRetry} />
      ) : (
        <Loading />
      )}
    </Section>
  );
}

/** A build, its project, and who looks. */
type BuildRef = Omit<DestinationsSectionProps, 'states' | 'targets' | 'error' | 'onRetry'>;

// Without its code the reason and the buttons are missing until the page is loaded again.
const DestinationActions = lazy(() =>
  import('./destination-actions.tsx').catch(() => ({ default: () => null })),
);

const Destinations = memo(function Destinations({
  states,
  targets,
  ...build
}: BuildRef & Pick<DestinationsSectionProps, 'targets'> & { readonly states: readonly DestinationState[] }) {
  if (states.length === 0) {
    return (
      <Empty title="No destinations yet">
        An admin can add destinations to the organisation's environments.
      </Empty>
    );
  }
  const { shown, others, environments } = groupDestinations(states, targets.split(','));
  return (
    <>
      <DestinationTable {...build} states={shown} />
      {others.length > 0 && (
        <div className="border-t border-line px-4 py-2 text-sm">
          <Fold
            label={`${environments} ${environments === 1 ? 'environment' : 'environments'} not in this release`}
          >
            {() => <DestinationTable {...build} states={others} />}
          </Fold>
        </div>
      )}
      {states.length >= MAX_DESTINATIONS && (
        <p className="border-t border-line px-4 py-2 text-xs text-muted">
          Only the first {MAX_DESTINATIONS} destinations are shown.
        </p>
      )}
    </>
  );
});

function DestinationTable({ states, ...build }: BuildRef & { readonly states: readonly DestinationState[] }) {
  return (
    <table className="w-full table-fixed text-left text-sm">
      <thead className="sr-only">
        <tr>
          <th scope="col" className="w-1/5">
            Environment
          </th>
          <th scope="col" className="w-1/4">
            Destination
          </th>
          <th scope="col">State</th>
        </tr>
      </thead>
      <tbody className="divide-y divide-line">
        {states.map((state, index) => (
          <DestinationRow
            key={state.destinationId || `${state.environment}/${state.destinationName}`}
            {...build}
            state={state}
            isFirst={state.environment !== states[index - 1]?.environment}
          />
        ))}
      </tbody>
    </table>
  );
}

/** A row; in narrow windows the destination is below the environment. The environment is shown once for its rows. */
function DestinationRow({
  organisation,
  project,
  artifactId,
  isAdmin,
  RollBack,
  state,
  isFirst,
}: BuildRef & { readonly state: DestinationState; readonly isFirst: boolean }) {
  const { buildState, live, errorMessage, environment } = state;
  const deployed = buildState !== BuildState.NOT_DEPLOYED && buildState !== BuildState.UNSPECIFIED;
  const isLive = buildState === BuildState.LIVE;
  return (
    <tr className="align-top max-sm:grid max-sm:grid-cols-2 max-sm:py-1">
      <td className="px-4 py-2 wrap-anywhere max-sm:py-1">
        <span className={isFirst ? 'font-medium' : 'sr-only'}>
          <UserText>{environment}</UserText>
        </span>
      </td>
      <td className="px-2 py-2 max-sm:col-start-1 max-sm:px-4 max-sm:py-1">
        <span className="wrap-anywhere">
          <UserText>{state.destinationName}</UserText>
        </span>
        {state.destinationType && (
          <span className="block text-xs text-muted wrap-anywhere">
            <UserText>{state.destinationType}</UserText>
          </span>
        )}
      </td>
      <td className="px-4 py-2 max-sm:col-start-2 max-sm:row-span-2 max-sm:row-start-1 max-sm:py-1">
        <span className="flex flex-wrap items-center gap-x-2 gap-y-1">
          {destinationLabels(state, artifactId).map(({ label, tone }) => (
            <Badge key={label} tone={tone}>
              {label}
            </Badge>
          ))}
          {deployed && (
            <span className="text-xs text-muted">
              {isLive && 'since '}
              <ShortTime value={(isLive && live?.since) || destinationTime(state)} />
            </span>
          )}
          {isLive && isFirst && <RollBack {...{ organisation, project, environment }} />}
        </span>
        {live && live.artifactId !== artifactId && (
          <span className="mt-1 block text-xs text-muted wrap-anywhere">
            Runs{' '}
            <Link to={paths.release(organisation, project, live.slug)}>
              <UserText>{buildName(live)}</UserText>
            </Link>{' '}
            since <ShortTime value={live.since} />
          </span>
        )}
        {(state.uncertain || state.inFlight.some(({ cancelling }) => cancelling)) && (
          <Suspense>
            <DestinationActions {...{ organisation, project, artifactId, isAdmin, state }} />
          </Suspense>
        )}
        {deployed && errorMessage && (
          <span className="mt-1 block text-xs whitespace-pre-wrap text-failed wrap-anywhere">
            <UserText>{errorMessage}</UserText>
          </span>
        )}
      </td>
    </tr>
  );
}
