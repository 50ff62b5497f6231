import { type FormEvent, useId, useRef, useState } from 'react';
import { Button } from '#src/components/button.tsx';
import { Checkbox } from '#src/components/checkbox.tsx';
import { Field, Select } from '#src/components/field.tsx';
import { ActionError } from '#src/components/states.tsx';
import { announce } from '#src/components/toast.tsx';
import { UserText } from '#src/components/user-text.tsx';
import type { ReleaseForecast } from '#src/gen/forest/v1/policies_pb.ts';
import type { ReleasePipeline } from '#src/gen/forest/v1/release_pipelines_pb.ts';
import { describeError } from '#src/lib/errors.ts';
import { visibleText } from '#src/lib/visible-text.ts';
import { ForecastLines } from './forecast-lines.tsx';
import { forecast } from './policy-forecast.ts';
import { hasPlans, targetsOf } from './release-targets.ts';
import { useRelease } from './use-release.ts';

export interface DeployFormProps {
  readonly artifactId: string;
  /** The project's enabled pipelines. */
  readonly pipelines: readonly ReleasePipeline[];
  readonly environments: readonly string[];
  /** By environment, the verdicts of its policies on this artifact. */
  readonly forecasts: readonly ReleaseForecast[];
}

/** Chooses a pipeline or an environment and requests the release; shows what the policies would do to it. */
export function DeployForm({ artifactId, pipelines, environments, forecasts }: DeployFormProps) {
  const [usePipeline, setUsePipeline] = useState(pipelines.length > 0);
  const [pipelineName, setPipelineName] = useState(pipelines[0]?.name ?? '');
  const [environment, setEnvironment] = useState('');
  const [force, setForce] = useState(false);
  const [prepareOnly, setPrepareOnly] = useState(false);
  const [problem, setProblem] = useState<string>();
  const select = useRef<HTMLSelectElement>(null);
  const forecastId = useId();
  const release = useRelease();
  // The chosen pipeline may have been removed meanwhile.
  const pipeline = pipelines.find(({ name }) => name === pipelineName) ?? pipelines[0];
  const byPipeline = usePipeline && pipeline !== undefined;
  const targets = byPipeline ? targetsOf(pipeline) : environment ? [environment] : [];
  const planOnly = byPipeline && hasPlans(pipeline) && prepareOnly;
  const outlook = forecast(
    forecasts.flatMap((one) => (!planOnly && targets.includes(one.environment) ? one.evaluations : [])),
  );

  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (release.isPending) return;
    if (!byPipeline && !environment) {
      setProblem('Choose an environment');
      select.current?.focus();
      return;
    }
    const how = byPipeline
      ? { usePipeline: true, pipeline: pipeline.name, prepareOnly: planOnly }
      : { environments: [environment] };
    release.mutate({ artifactId, force, ...how }, { onSuccess: () => announce('Release requested') });
  };

  return (
    <form noValidate onSubmit={submit} className="flex flex-col gap-3">
      <div className="flex flex-wrap items-end gap-x-4 gap-y-3">
        {pipeline && (
          <div className="flex min-w-0 flex-col gap-1">
            <Checkbox
              label="Use pipeline"
              checked={usePipeline}
              onChange={(event) => setUsePipeline(event.target.checked)}
            />
            {pipelines.length > 1 ? (
              <Select
                aria-label="Pipeline"
                value={pipeline.name}
                onChange={(event) => {
                  setPipelineName(event.target.value);
                  setUsePipeline(true);
                }}
              >
                {pipelines.map(({ id, name }) => (
                  <option key={id || name} value={name}>
                    {visibleText(name)}
                  </option>
                ))}
              </Select>
            ) : (
              <span className="flex min-h-8 items-center text-sm text-muted wrap-anywhere">
                <UserText>{pipeline.name}</UserText>
              </span>
            )}
          </div>
        )}
        {pipeline && <span className="flex min-h-8 items-center text-sm text-muted">or</span>}
        <Field label="Target environment" error={problem} className="max-w-full flex-1 basis-44 sm:max-w-64">
          {(control) => (
            <Select
              {...control}
              ref={select}
              value={byPipeline ? '' : environment}
              onChange={(event) => {
                setEnvironment(event.target.value);
                setUsePipeline(event.target.value === '' && pipelines.length > 0);
                setProblem(undefined);
              }}
            >
              <option value="">{byPipeline ? 'Set by the pipeline' : 'Choose…'}</option>
              {environments.map((name) => (
                <option key={name} value={name}>
                  {visibleText(name)}
                </option>
              ))}
            </Select>
          )}
        </Field>
        <Button type="submit" variant="primary" pending={release.isPending} aria-describedby={forecastId}>
          Deploy
        </Button>
      </div>
      <details className="text-sm">
        <summary className="w-fit cursor-pointer text-muted hover:text-ink">Options</summary>
        <div className="mt-2 flex flex-col gap-1.5">
          <Checkbox
            label="Deploy again where it is already deployed (policies still apply)"
            checked={force}
            onChange={(event) => setForce(event.target.checked)}
          />
          {byPipeline && hasPlans(pipeline) && (
            <Checkbox
              label="Run only the plan stages"
              checked={prepareOnly}
              onChange={(event) => setPrepareOnly(event.target.checked)}
            />
          )}
        </div>
      </details>
      <div id={forecastId} role="status" className="empty:hidden">
        <ForecastLines forecast={outlook} />
      </div>
      {release.error && (
        <ActionError>{`Release not started: ${describeError(release.error).message}`}</ActionError>
      )}
    </form>
  );
}
