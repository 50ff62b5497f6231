import type { MessageInitShape } from '@bufbuild/protobuf';
import { validateDag } from '#domain/release/dag.ts';
import type { StageDefinition, StageKind } from '#domain/release/stage.ts';
import { formatDuration, parseDuration } from '#domain/time/duration.ts';
import type {
  PipelineStage,
  PipelineStageSchema,
  ReleasePipeline,
} from '#src/gen/forest/v1/release_pipelines_pb.ts';
import type { DescribedError } from '#src/lib/errors.ts';

/** A stage in the form. Switching the type keeps the values of the other types' fields. */
export interface StageDraft {
  /** Identifies the stage in the form while its id changes; starts with `#`, which no id does. */
  readonly key: string;
  readonly id: string;
  readonly type: StageKind['type'];
  readonly environment: string;
  readonly duration: string;
  readonly autoApprove: boolean;
  /** Keys of stages; anything else is an id that no stage has. */
  readonly dependsOn: readonly string[];
}

export interface PipelineDraft {
  readonly name: string;
  readonly stages: readonly StageDraft[];
  /** The number of stages ever added, so that keys stay unique. */
  readonly added: number;
}

export const emptyPipelineDraft: PipelineDraft = { name: '', stages: [], added: 0 };

/** A pipeline as form values; null if a stage has an unknown type. */
export function draftOfPipeline({ name, stages }: ReleasePipeline): PipelineDraft | null {
  const keyOf = new Map(stages.map(({ id }, index) => [id, `#${index}`]));
  const drafts: StageDraft[] = [];
  for (const [index, stage] of stages.entries()) {
    const kind = kindOf(stage);
    if (!kind) return null;
    drafts.push({
      key: `#${index}`,
      id: stage.id,
      type: kind.type,
      environment: kind.type === 'wait' ? '' : kind.environment,
      duration: kind.type === 'wait' ? formatDuration(kind.durationSeconds) : '',
      autoApprove: kind.type === 'plan' && kind.autoApprove,
      dependsOn: stage.dependsOn.map((id) => keyOf.get(id) ?? id),
    });
  }
  return { name, stages: drafts, added: drafts.length };
}

/** A stage's config for the domain; null for an unknown type. */
export function kindOf({ config }: PipelineStage): StageKind | null {
  switch (config.case) {
    case 'deploy':
      return { type: 'deploy', environment: config.value.environment };
    case 'wait':
      return { type: 'wait', durationSeconds: Number(config.value.durationSeconds) };
    case 'plan':
      return { type: 'plan', environment: config.value.environment, autoApprove: config.value.autoApprove };
    default:
      return null;
  }
}

/** The draft's stages for the domain. An unreadable duration becomes NaN, which no rule accepts. */
export function definitionsOf(stages: readonly StageDraft[]): StageDefinition[] {
  const idOf = new Map(stages.map(({ key, id }) => [key, id]));
  return stages.map(({ id, type, environment, duration, autoApprove, dependsOn }) => {
    const parsed = parseDuration(duration);
    const kind: StageKind =
      type === 'wait'
        ? { type, durationSeconds: parsed.ok ? parsed.seconds : Number.NaN }
        : type === 'plan'
          ? { type, environment, autoApprove }
          : { type, environment };
    return { id, kind, dependsOn: dependsOn.map((key) => idOf.get(key) ?? key) };
  });
}

/** The stages of a create or update request, for a draft without problems. */
export function wireStages(stages: readonly StageDraft[]): MessageInitShape<typeof PipelineStageSchema>[] {
  return definitionsOf(stages).map(({ id, dependsOn, kind }) => ({
    id,
    dependsOn: [...dependsOn],
    config: wireConfig(kind),
  }));
}

function wireConfig(kind: StageKind): MessageInitShape<typeof PipelineStageSchema>['config'] {
  switch (kind.type) {
    case 'deploy':
      return { case: 'deploy', value: { environment: kind.environment } };
    case 'wait':
      return { case: 'wait', value: { durationSeconds: BigInt(kind.durationSeconds) } };
    case 'plan':
      return { case: 'plan', value: { environment: kind.environment, autoApprove: kind.autoApprove } };
  }
}

export type StageField = 'id' | 'type' | 'environment' | 'duration' | 'dependsOn';
export type StageProblems = Readonly<Partial<Record<StageField, string>>>;

export interface PipelineProblems {
  readonly name?: string;
  /** Of the stages as a whole, such as a cycle. */
  readonly stages?: string;
  /** Of no field. */
  readonly form?: string;
  /** By the stage's key. */
  readonly ofStage: Readonly<Record<string, StageProblems>>;
}

const fieldOf: Readonly<Record<string, StageField>> = {
  id: 'id',
  depends_on: 'dependsOn',
  environment: 'environment',
  duration_seconds: 'duration',
  config: 'type',
};

/**
 * Assigns problems by their contract paths (`stages[1].depends_on[0]`) to the form's fields. `stages` are those that were
 * checked. A field keeps its first message.
 */
export function placeProblems(
  stages: readonly StageDraft[],
  problems: readonly { readonly field: string; readonly message: string }[],
): PipelineProblems {
  const ofStage: Record<string, Partial<Record<StageField, string>>> = {};
  const whole: { name?: string; stages?: string } = {};
  const elsewhere: string[] = [];
  for (const { field, message } of problems) {
    const [, index, path] = /^stages\[(\d+)\]\.(.+)$/.exec(field) ?? [];
    const stage = stages[Number(index)];
    const at = path && fieldOf[path.replace(/\[\d+\]$/, '').replace(/^(deploy|plan|wait)\./, '')];
    if (stage && at) {
      const known = ofStage[stage.key] ?? {};
      known[at] ??= message;
      ofStage[stage.key] = known;
    } else if (field === 'stages') whole.stages ??= message;
    else if (field === 'name') whole.name ??= message;
    else elsewhere.push(field ? `${field}: ${message}` : message);
  }
  return { ...whole, ...(elsewhere.length > 0 ? { form: elsewhere.join('; ') } : {}), ofStage };
}

/** A refusal's messages by field. */
export function refusalProblems(refusal: DescribedError, { stages }: PipelineDraft): PipelineProblems {
  const problems = [
    ...Object.entries(refusal.fieldErrors).map(([field, message]) => ({ field, message })),
    ...refusal.otherProblems.map((message) => ({ field: '', message })),
  ];
  return problems.length > 0 ? placeProblems(stages, problems) : { form: refusal.message, ofStage: {} };
}

/**
 * Validates a draft with the rules shared with the server. `whileTyping` skips empty fields, which are reported on saving
 * only.
 */
export function draftProblems(
  { name, stages }: PipelineDraft,
  environments: readonly string[],
  whileTyping: boolean,
): PipelineProblems {
  const found = placeProblems(stages, validateDag(definitionsOf(stages), environments));
  const ofStage: Record<string, StageProblems> = {};
  for (const stage of stages) {
    const { id, environment, duration, ...rest } = found.ofStage[stage.key] ?? {};
    const parsed = parseDuration(stage.duration);
    // The parser's message is more helpful than the rule about NaN.
    const wait = stage.type === 'wait' && !parsed.ok ? parsed.reason : duration;
    const shown = (problem: string | undefined, typed: string) =>
      whileTyping && !typed ? undefined : problem;
    const problems = {
      ...rest,
      ...fieldProblem('id', shown(id, stage.id)),
      ...fieldProblem('environment', shown(environment, stage.environment)),
      ...fieldProblem('duration', shown(wait, stage.duration)),
    };
    if (Object.keys(problems).length > 0) ofStage[stage.key] = problems;
  }
  return {
    ...(whileTyping || name.trim() ? {} : { name: 'Enter a name' }),
    ...(found.stages && !(whileTyping && stages.length === 0) ? { stages: found.stages } : {}),
    ...(found.form ? { form: found.form } : {}),
    ofStage,
  };
}

function fieldProblem(field: StageField, problem: string | undefined): StageProblems {
  return problem ? { [field]: problem } : {};
}

export function hasProblems({ name, stages, form, ofStage }: PipelineProblems): boolean {
  return Boolean(name || stages || form) || Object.keys(ofStage).length > 0;
}
