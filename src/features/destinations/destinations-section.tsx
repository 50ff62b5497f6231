import { memo } from 'react';
import { Badge } from '#src/components/badge.tsx';
import { RelativeTime } from '#src/components/relative-time.tsx';
import { Section } from '#src/components/section.tsx';
import { Empty, Failed, Loading } from '#src/components/states.tsx';
import type { DestinationState } from '#src/gen/forest/v1/releases_pb.ts';
import { describeError } from '#src/lib/errors.ts';
import { destinationTime, destinationWords } from './destination-words.ts';
import { mostShown } from './queries.ts';

export interface DestinationsSectionProps {
  readonly artifactId: string;
  readonly states: readonly DestinationState[] | undefined;
  /** Why there are no states, when loading them failed and none are known from before. */
  readonly error: unknown;
  readonly onRetry: () => void;
}

/** Every destination of the organisation, with what stands there of this artifact. */
export function DestinationsSection({ artifactId, states, error, onRetry }: DestinationsSectionProps) {
  return (
    <Section title="Destinations" flush>
      {states ? (
        <Destinations artifactId={artifactId} states={states} />
      ) : error ? (
        <Failed
          title="The destinations could not be loaded."
          message={describeError(error).message}
          onRetry={onRetry}
        />
      ) : (
        <Loading />
      )}
    </Section>
  );
}

const Destinations = memo(function Destinations({
  artifactId,
  states,
}: {
  artifactId: string;
  states: readonly DestinationState[];
}) {
  if (states.length === 0) {
    return <Empty title="No destinations.">An admin adds them to the organisation's environments.</Empty>;
  }
  return (
    <>
      <table className="w-full table-fixed text-left text-sm">
        <thead className="text-xs text-muted max-sm:sr-only">
          <tr>
            <th scope="col" className="w-1/4 px-4 py-1.5 font-medium">
              Environment
            </th>
            <th scope="col" className="px-2 py-1.5 font-medium">
              Destination
            </th>
            <th scope="col" className="px-4 py-1.5 font-medium">
              State
            </th>
          </tr>
        </thead>
        <tbody className="divide-y divide-line border-t border-line">
          {states.map((state) => (
            <DestinationRow
              key={state.destinationId || `${state.environment}/${state.destinationName}`}
              artifactId={artifactId}
              state={state}
            />
          ))}
        </tbody>
      </table>
      {states.length >= mostShown && (
        <p className="border-t border-line px-4 py-2 text-xs text-muted">
          At most {mostShown} destinations are shown.
        </p>
      )}
    </>
  );
});

/** A row; in narrow windows the environment stands above the destination, and the state beside both. */
function DestinationRow({ artifactId, state }: { artifactId: string; state: DestinationState }) {
  const { words, tone } = destinationWords(state, artifactId);
  const ours = words !== 'Not deployed';
  return (
    <tr className="align-top max-sm:grid max-sm:grid-cols-2 max-sm:py-1">
      <td className="px-4 py-2 wrap-anywhere max-sm:py-1">{state.environment}</td>
      <td className="px-2 py-2 max-sm:col-start-1 max-sm:px-4 max-sm:py-1">
        <span className="font-medium wrap-anywhere">{state.destinationName}</span>
        {state.destinationType && (
          <span className="block text-xs text-muted wrap-anywhere">{state.destinationType}</span>
        )}
      </td>
      <td className="px-4 py-2 max-sm:col-start-2 max-sm:row-span-2 max-sm:row-start-1 max-sm:py-1">
        <span className="flex flex-wrap items-center gap-x-2 gap-y-1">
          <Badge tone={tone}>{words}</Badge>
          {ours && <RelativeTime value={destinationTime(state)} className="text-xs text-muted" />}
        </span>
        {ours && state.errorMessage && (
          <span className="mt-1 block text-xs whitespace-pre-wrap text-failed wrap-anywhere">
            {state.errorMessage}
          </span>
        )}
      </td>
    </tr>
  );
}
