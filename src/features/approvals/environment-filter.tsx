import { Button } from '#src/components/button.tsx';
import { UserText } from '#src/components/user-text.tsx';

export interface EnvironmentFilterProps {
  readonly environments: readonly string[];
  /** Undefined for all. */
  readonly chosen: string | undefined;
  readonly onChoose: (environment: string | undefined) => void;
}

/** Narrows the list to one environment. Nothing where there is no choice. */
export function EnvironmentFilter({ environments, chosen, onChoose }: EnvironmentFilterProps) {
  if (environments.length < 2) return null;
  return (
    <fieldset className="flex min-w-0 flex-wrap gap-1">
      <legend className="sr-only">Environment</legend>
      {[undefined, ...environments].map((environment) => (
        <Button
          key={environment ?? ''}
          variant={environment === chosen ? 'quiet' : 'text'}
          aria-pressed={environment === chosen}
          className={environment === chosen ? 'border-ink bg-sunken wrap-anywhere' : 'wrap-anywhere'}
          onClick={() => onChoose(environment)}
        >
          {environment === undefined ? 'All' : <UserText>{environment}</UserText>}
        </Button>
      ))}
    </fieldset>
  );
}
