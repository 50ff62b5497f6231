import { Code } from '@connectrpc/connect';
import { useCallback, useState } from 'react';
import { useDraft } from './draft.ts';
import { type DescribedError, describeError } from './errors.ts';

export interface EditorOptions<Draft, Problems> {
  /** Names what is edited, for a draft that outlives the session. */
  readonly draftKey: string;
  /** The form's first values, to which **Cancel** returns. */
  readonly initial: Draft;
  /** Editing something that exists: the form keeps its values after it was saved. */
  readonly existing: boolean;
  /** Checks a draft before it is sent; null when it has no problems. */
  readonly check: (draft: Draft) => Problems | null | Promise<Problems | null>;
  /** Assigns a refusal's messages to the fields. */
  readonly refused: (refusal: DescribedError, draft: Draft) => Problems;
  readonly onSave: (draft: Draft) => Promise<unknown>;
}

/**
 * State of a form that creates or edits something. Input survives a failed save and the end of the session. `failure` is a
 * new object for each failed attempt: the problems and the draft that they are about. `outdated`: another change came first. `unchanged`:
 * there was nothing to save.
 */
export function useEditor<Draft, Problems>(options: EditorOptions<Draft, Problems>) {
  const { draftKey, initial, existing, check, refused, onSave } = options;
  const { draft, setDraft, restored } = useDraft(draftKey, initial);
  const [failure, setFailure] = useState<{ readonly draft: Draft; readonly problems: Problems } | null>(null);
  const [saving, setSaving] = useState(false);
  const [outdated, setOutdated] = useState(false);
  const [unchanged, setUnchanged] = useState(false);
  const dismiss = () => {
    setFailure(null);
    setOutdated(false);
    setUnchanged(false);
  };
  const save = async () => {
    if (saving) return;
    dismiss();
    if (existing && JSON.stringify(draft) === JSON.stringify(initial)) return setUnchanged(true);
    setSaving(true);
    try {
      const problems = await check(draft);
      if (problems) return setFailure({ draft, problems });
      await onSave(draft);
      if (!existing) setDraft(initial);
    } catch (error) {
      const refusal = describeError(error);
      setFailure({ draft, problems: refused(refusal, draft) });
      setOutdated(refusal.code === Code.Aborted);
    } finally {
      setSaving(false);
    }
  };
  const reset = () => {
    setDraft(initial);
    dismiss();
  };
  const change: typeof setDraft = (next) => {
    setUnchanged(false);
    setDraft(next);
  };
  return {
    draft,
    setDraft: useCallback(change, [setDraft]),
    restored: restored && draft !== initial,
    failure,
    outdated,
    unchanged,
    saving,
    save,
    reset,
    dismiss,
  };
}
