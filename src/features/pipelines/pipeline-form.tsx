import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { MAX_STAGES } from '#domain/release/dag.ts';
import { Button } from '#src/components/button.tsx';
import { EditorForm, type StoredState } from '#src/components/editor-form.tsx';
import { PlainField } from '#src/components/plain-field.tsx';
import { announce } from '#src/components/toast.tsx';
import { useEditor } from '#src/lib/use-editor.ts';
import { withChange, withoutStage, withStage } from './draft-changes.ts';
import {
  draftProblems,
  hasProblems,
  type PipelineDraft,
  refusalProblems,
  type StageDraft,
  type StageProblems,
} from './pipeline-draft.ts';
import { Graph } from './pipeline-graph.tsx';
import { type CannotPlan, PlanWarning, StageFields, StageRow } from './stage-fields.tsx';
import { graphOfDraft, stageTitles, stageTypes } from './stage-types.ts';

export interface PipelineFormProps {
  readonly initial: PipelineDraft;
  readonly existing: boolean;
  readonly environments: readonly string[];
  readonly cannotPlan: CannotPlan;
  readonly draftKey: string;
  readonly onSave: (draft: PipelineDraft) => Promise<unknown>;
  readonly onCancel?: () => void;
  readonly stored?: StoredState;
}

/**
 * The form to create or edit a pipeline, with its graph. It validates with the rules shared with the server while the user
 * types; refusals are shown at their stages as well.
 */
export function PipelineForm(props: PipelineFormProps) {
  const { initial, existing, environments, cannotPlan, draftKey, onSave, onCancel, stored } = props;
  const editor = useEditor({
    draftKey,
    initial,
    existing,
    check: (draft: PipelineDraft) => {
      const found = draftProblems(draft, environments, false);
      return hasProblems(found) ? found : null;
    },
    refused: refusalProblems,
    onSave,
  });
  const { draft, setDraft, failure } = editor;
  const attempted = failure !== null;
  const own = useMemo(() => draftProblems(draft, environments, !attempted), [draft, environments, attempted]);
  const problems = failure?.draft === draft ? failure.problems : own;
  const graph = useMemo(() => graphOfDraft(draft.stages, problems), [draft.stages, problems]);
  const titles = useMemo(() => stageTitles(graph), [graph]);
  const [openKey, setOpenKey] = useState<string | null>(null);
  // A refused save opens the first stage with a problem, in the same render: the form then focuses its field.
  const [seen, setSeen] = useState(failure);
  if (failure !== seen) {
    setSeen(failure);
    const invalid = draft.stages.find(({ key }) => failure?.problems.ofStage[key]);
    if (invalid) setOpenKey(invalid.key);
  }
  const { ref, focusLater } = useFocusAfterChange(draft);
  const change = useCallback(
    (key: string, changes: Partial<StageDraft>) => setDraft((before) => withChange(before, key, changes)),
    [setDraft],
  );
  const remove = useCallback(
    (key: string) => {
      setDraft((before) => withoutStage(before, key));
      announce('Stage removed');
      focusLater('[data-remove-stage], [data-add-stage]');
    },
    [setDraft, focusLater],
  );
  const toggle = useCallback((key: string) => setOpenKey((open) => (open === key ? null : key)), []);
  const add = (type: StageDraft['type']) => {
    focusLater(`[data-stage-list] > li:last-child select`);
    const next = withStage(draft, type);
    setDraft(next);
    setOpenKey(next.stages.at(-1)?.key ?? null);
  };
  return (
    <div ref={ref}>
      <EditorForm
        editor={editor}
        noun="pipeline"
        createLabel="Create pipeline"
        existing={existing}
        problem={problems.form}
        {...(onCancel && { onCancel })}
        {...(stored && { stored })}
      >
        {!existing && (
          <PlainField
            label="Name"
            error={problems.name}
            required
            className="sm:max-w-sm"
            value={draft.name}
            onChange={(name) => setDraft({ ...draft, name })}
          />
        )}
        {draft.stages.length === 0 ? (
          <p className="text-muted">
            Add the stages of a release. A stage starts when all stages it depends on have succeeded.
          </p>
        ) : (
          <>
            <Graph name={draft.name || 'the new pipeline'} stages={graph} />
            <ol aria-label="Stages" data-stage-list data-has-required className="flex flex-col gap-2">
              {draft.stages.map((stage, index) => (
                <li key={stage.key} className="rounded-md border border-line px-3 py-2">
                  <StageRow
                    stageKey={stage.key}
                    name={stage.id || String(index + 1)}
                    title={titles[index] ?? ''}
                    problem={firstProblem(problems.ofStage[stage.key])}
                    open={stage.key === openKey}
                    onToggle={toggle}
                    onRemove={remove}
                  />
                  <PlanWarning stage={stage} cannotPlan={cannotPlan} />
                  {stage.key === openKey && (
                    <StageFields
                      stage={stage}
                      position={index + 1}
                      problems={problems.ofStage[stage.key]}
                      environments={environments}
                      stages={draft.stages}
                      onChange={change}
                    />
                  )}
                </li>
              ))}
            </ol>
          </>
        )}
        {/* Always rendered, so that screen readers announce a cycle as soon as there is one. */}
        <div role="status" className="text-sm empty:hidden">
          {problems.stages && (
            <p tabIndex={-1} data-form-error className="text-failed wrap-anywhere">
              {problems.stages}
            </p>
          )}
        </div>
        <div className="flex flex-wrap items-center gap-2">
          {draft.stages.length < MAX_STAGES ? (
            stageTypes.map(({ type, label }) => (
              <Button key={type} data-add-stage={type} onClick={() => add(type)}>
                Add {label.toLowerCase()} stage
              </Button>
            ))
          ) : (
            <p className="text-muted">A pipeline has at most {MAX_STAGES} stages.</p>
          )}
        </div>
      </EditorForm>
    </div>
  );
}

/** A wrong id comes first, because it makes dependencies wrong too. */
function firstProblem(problems: StageProblems = {}): string | undefined {
  return problems.id ?? Object.values(problems)[0];
}

/** Focuses the last element that matches a selector, once an added or removed stage has been rendered. */
function useFocusAfterChange(draft: PipelineDraft) {
  const ref = useRef<HTMLDivElement>(null);
  const wanted = useRef('');
  // biome-ignore lint/correctness/useExhaustiveDependencies: runs after the draft has been rendered.
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
