import { useCallback, useDeferredValue, useEffect, useMemo, useRef, useState } from 'react';
import { MAX_STAGES } from '#domain/release/dag.ts';
import { Button } from '#src/components/button.tsx';
import { Field, Input } from '#src/components/field.tsx';
import { Form, FormError } from '#src/components/form.tsx';
import { announce } from '#src/components/toast.tsx';
import { useDraft } from '#src/lib/draft.ts';
import { describeError } from '#src/lib/errors.ts';
import { withChange, withoutStage, withStage } from './draft-changes.ts';
import { graphOfDraft } from './graph-stages.ts';
import {
  draftProblems,
  isFine,
  type PipelineDraft,
  type PipelineProblems,
  placeProblems,
  type StageDraft,
} from './pipeline-draft.ts';
import { PipelineGraph } from './pipeline-graph.tsx';
import { StageFields } from './stage-fields.tsx';
import { stageKinds } from './stage-words.ts';

export interface PipelineEditorProps {
  /** What the form starts with, and returns to by **Cancel**. */
  readonly initial: PipelineDraft;
  readonly existing: boolean;
  /** Names of the organisation's environments, in their order. */
  readonly environments: readonly string[];
  /** Names what is edited, for a draft that outlives the session. */
  readonly draftKey: string;
  /** Saves; its rejection is shown and keeps what was typed. */
  readonly onSave: (draft: PipelineDraft) => Promise<unknown>;
  readonly onCancel: () => void;
}

/**
 * The form to create or edit a pipeline: stages are added, tied to each other, and drawn. While somebody types, the rules
 * shared with the server say what cannot be; the server's own refusals stand at their stage too.
 */
export function PipelineEditor(props: PipelineEditorProps) {
  const { initial, existing, environments, draftKey, onSave, onCancel } = props;
  const { draft, setDraft, restored } = useDraft(draftKey, initial);
  /** From the first attempt to save on, what is not filled in is told too. */
  const [attempted, setAttempted] = useState(false);
  /** What the server refused, and the draft it refused: of another draft it would say something else. */
  const [refusal, setRefusal] = useState<{ of: PipelineDraft; problems: PipelineProblems } | null>(null);
  // A new object for each attempt that failed: it leads the focus to the first error, which typing must not.
  const [failedAttempt, setFailedAttempt] = useState<object | null>(null);
  const [saving, setSaving] = useState(false);
  const form = useFocusAfterChange(draft);

  const own = useMemo(() => draftProblems(draft, environments, !attempted), [draft, environments, attempted]);
  const problems = refusal?.of === draft ? refusal.problems : own;
  const drawn = useMemo(() => graphOfDraft(draft.stages, problems), [draft.stages, problems]);
  // Deferred: with many stages, what stands at the others may follow a moment after what is typed.
  const ids = useDeferredValue(useSameWhileEqual(draft.stages.map(({ key, id }) => ({ key, id }))));
  const change = useCallback(
    (key: string, changes: Partial<StageDraft>) => setDraft((before) => withChange(before, key, changes)),
    [setDraft],
  );
  const { focusLater } = form;
  const remove = useCallback(
    (key: string) => {
      setDraft((before) => withoutStage(before, key));
      announce('Stage removed.');
      focusLater('[data-remove-stage], [data-add-stage]');
    },
    [setDraft, focusLater],
  );
  const add = (type: StageDraft['type']) => {
    form.focusLater(`[data-stage-list] > li:last-child select`);
    setDraft(withStage(draft, type));
  };

  const save = async () => {
    if (saving) return;
    setAttempted(true);
    setRefusal(null);
    setFailedAttempt(null);
    if (!isFine(draftProblems(draft, environments, false))) return setFailedAttempt({});
    setSaving(true);
    try {
      await onSave(draft);
      setAttempted(false);
      if (!existing) setDraft(initial);
    } catch (error) {
      setRefusal({ of: draft, problems: refusalProblems(draft, error) });
      setFailedAttempt({});
    } finally {
      setSaving(false);
    }
  };

  return (
    <div ref={form.ref}>
      <Form
        label={existing ? 'Edit pipeline' : 'Create pipeline'}
        problems={failedAttempt}
        onSubmit={save}
        className="flex flex-col gap-4"
      >
        {restored && draft !== initial && (
          <p className="text-muted">What you had typed before signing in again is back.</p>
        )}
        <FormError>{problems.form}</FormError>
        <Field
          label="Name"
          error={problems.name}
          required
          hint={existing && 'A pipeline keeps its name.'}
          className="sm:max-w-sm"
        >
          {(control) => (
            <Input
              {...control}
              readOnly={existing}
              autoCapitalize="none"
              autoComplete="off"
              spellCheck={false}
              value={draft.name}
              onChange={(event) => setDraft({ ...draft, name: event.target.value })}
            />
          )}
        </Field>
        {draft.stages.length === 0 ? (
          <p className="text-muted">
            Add the stages that a release goes through; each begins when those it depends on have succeeded.
          </p>
        ) : (
          <>
            <PipelineGraph name={draft.name || 'the new pipeline'} stages={drawn} />
            <ol aria-label="Stages" data-stage-list className="flex flex-col gap-3">
              {draft.stages.map((stage, index) => (
                <StageFields
                  key={stage.key}
                  stage={stage}
                  place={index + 1}
                  problems={problems.ofStage[stage.key]}
                  environments={environments}
                  stages={ids}
                  onChange={change}
                  onRemove={remove}
                />
              ))}
            </ol>
          </>
        )}
        {/* Always there, so that a ring is announced when it comes about. */}
        <div role="status" className="text-sm empty:hidden">
          {problems.stages && (
            <p tabIndex={-1} data-form-error className="text-failed wrap-anywhere">
              {problems.stages}
            </p>
          )}
        </div>
        <div className="flex flex-wrap items-center gap-2">
          {draft.stages.length < MAX_STAGES ? (
            stageKinds.map(({ type, label }) => (
              <Button key={type} data-add-stage={type} onClick={() => add(type)}>
                Add {label.toLowerCase()} stage
              </Button>
            ))
          ) : (
            <p className="text-muted">A pipeline has at most {MAX_STAGES} stages.</p>
          )}
        </div>
        <div className="flex flex-wrap gap-2 border-t border-line pt-4">
          <Button type="submit" variant="primary" pending={saving}>
            {existing ? 'Save Changes' : 'Create Pipeline'}
          </Button>
          <Button
            onClick={() => {
              setDraft(initial);
              setAttempted(false);
              setRefusal(null);
              onCancel();
            }}
          >
            Cancel
          </Button>
        </div>
      </Form>
    </div>
  );
}

function refusalProblems({ stages }: PipelineDraft, error: unknown): PipelineProblems {
  const { fieldErrors, otherProblems, message } = describeError(error);
  const violations = [
    ...Object.entries(fieldErrors).map(([field, words]) => ({ field, message: words })),
    ...otherProblems.map((words) => ({ field: '', message: words })),
  ];
  return violations.length > 0 ? placeProblems(stages, violations) : { form: message, ofStage: {} };
}

/** Gives the focus to an element of the form once the stages that were added or removed are drawn. */
function useFocusAfterChange(draft: PipelineDraft) {
  const ref = useRef<HTMLDivElement>(null);
  const wanted = useRef('');
  // biome-ignore lint/correctness/useExhaustiveDependencies: the draft is what has to be drawn first.
  useEffect(() => {
    if (!wanted.current) return;
    const found = ref.current?.querySelectorAll<HTMLElement>(wanted.current);
    found?.item(found.length - 1)?.focus();
    wanted.current = '';
  }, [draft]);
  const focusLater = useCallback((selector: string) => {
    wanted.current = selector;
  }, []);
  return { ref, focusLater };
}

/** The value of before for as long as the new one says the same, so that what depends on it is not drawn anew. */
function useSameWhileEqual<Value>(value: Value): Value {
  const text = JSON.stringify(value);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the text stands for the value.
  return useMemo(() => value, [text]);
}
