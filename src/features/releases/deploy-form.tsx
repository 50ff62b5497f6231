import { type FormEvent, useEffect, useId, useRef, useState } from 'react';
import { Button } from '#src/components/button.tsx';
import { Checkbox } from '#src/components/checkbox.tsx';
import { Field, Select } from '#src/components/field.tsx';
import { RequiredLegend } from '#src/components/form.tsx';
import { ActionError } from '#src/components/states.tsx';
import { announce } from '#src/components/toast.tsx';
import { UserText } from '#src/components/user-text.tsx';
import type { ReleaseForecast } from '#src/gen/forest/v1/policies_pb.ts';
import type { ReleasePipeline } from '#src/gen/forest/v1/release_pipelines_pb.ts';
import { describeError } from '#src/lib/errors.ts';
import { visibleText } from '#src/lib/visible-text.ts';
import type { DeployButtonProps } from './deploy-button.tsx';
import { ForecastLines } from './forecast-lines.tsx';
import { forecast } from './policy-forecast.ts';
import { hasPlans, targetsOf } from './release-targets.ts';
import { useRelease } from './use-release.ts';
import { useReplaced } from './use-replaced.ts';

export interface DeployFormProps {
  readonly build: DeployButtonProps;
  /** The project's enabled pipelines. */
  readonly pipelines: readonly ReleasePipeline[];
  /** The environments to choose from. */
  readonly environments: readonly string[];
  /** By environment, the verdicts of its policies on this artifact. */
  readonly forecasts: readonly ReleaseForecast[];
  readonly onClose: () => void;
}

/** Chooses a pipeline or an environment and requests the release; shows what the policies would do to it and what it replaces. */
export function DeployForm({ build, pipelines, environments, forecasts, onClose }: DeployFormProps) {
  const { artifactId, rollBackOn, again } = build;
  const [first] = pipelines.filter(({ name }) => !again || name === again.pipeline);
  const [usePipeline, setUsePipeline] = useState(first !== undefined);
  const [pipelineName, setPipelineName] = useState(first?.name ?? '');
  const [environment, setEnvironment] = useState(rollBackOn ?? again?.environment ?? '');
  const [force, setForce] = useState(false);
  const [prepareOnly, setPrepareOnly] = useState(again?.prepareOnly ?? false);
  const [problem, setProblem] = useState<string>();
  const form = useRef<HTMLFormElement>(null);
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
  const replaced = useReplaced(build, planOnly ? [] : targets);
  const isOlder = replaced.some(({ newer }) => newer);

  // The fields arrive after the dialog has opened. On a phone the focus would open a keyboard over them.
  useEffect(() => {
    if (window.matchMedia?.('(pointer: coarse)').matches) return;
    form.current?.querySelector<HTMLElement>('input, select')?.focus();
  }, []);

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
    release.mutate(
      { artifactId, force, ...how },
      {
        onSuccess: () => {
          onClose();
          announce('Release requested');
        },
      },
    );
  };

  return (
    <form ref={form} noValidate onSubmit={submit} className="flex flex-col gap-4 text-sm">
      <RequiredLegend />
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
            <span className="pl-8 text-muted wrap-anywhere">
              <UserText>{pipeline.name}</UserText>
            </span>
          )}
        </div>
      )}
      {!rollBackOn && (
        <Field label="Target environment" error={problem} required={pipelines.length === 0}>
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
      )}
      <div id={forecastId} role="status" className="empty:absolute">
        <ForecastLines forecast={outlook} replaced={replaced} />
      </div>
      <details>
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
      {release.error && (
        <ActionError>{`Release not started: ${describeError(release.error).message}`}</ActionError>
      )}
      <div className="flex flex-wrap justify-end gap-2">
        <Button
          aria-disabled={release.isPending || undefined}
          onClick={() => !release.isPending && onClose()}
        >
          Cancel
        </Button>
        <Button
          type="submit"
          variant={isOlder ? 'danger' : 'primary'}
          pending={release.isPending}
          aria-describedby={forecastId}
        >
          {rollBackOn ? 'Roll back' : 'Deploy'}
        </Button>
      </div>
    </form>
  );
}
