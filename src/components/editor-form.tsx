import { type ReactNode, useEffect, useState } from 'react';
import { Button } from './button.tsx';
import { classNames } from './class-names.ts';
import { Form, FormError } from './form.tsx';
import { ShortTime } from './relative-time.tsx';
import { UserText } from './user-text.tsx';

/** The part of `useEditor` (lib/use-editor.ts) that the form needs. */
export interface EditorState {
  readonly restored: boolean;
  readonly failure: object | null;
  /** Whether the last save was refused because another change came first. */
  readonly outdated: boolean;
  /** Whether the last save had nothing to send. */
  readonly unchanged: boolean;
  readonly saving: boolean;
  readonly save: () => unknown;
  /** Returns to the stored state. */
  readonly reset: () => void;
  /** Forgets a refused save, and keeps the input. */
  readonly dismiss: () => void;
}

export interface StoredState {
  /** Who changed it last, and when; undefined while that is unknown. */
  readonly by?: { readonly actorUsername: string; readonly at: string } | undefined;
  /** What differs from the state that the form began with. */
  readonly changes: string;
  /** Loads it; the form keeps its values. */
  readonly load: () => Promise<unknown>;
}

export interface EditorFormProps {
  readonly editor: EditorState;
  /** What is created or edited, in lower case: `policy`. */
  readonly noun: string;
  readonly existing: boolean;
  /** The label of the button that creates. */
  readonly createLabel: string;
  /** A problem of the whole form. */
  readonly problem: string | undefined;
  readonly onCancel?: () => void;
  /** The stored state, for a save that was refused because another change came first. */
  readonly stored?: StoredState;
  readonly children: ReactNode;
}

/** A form that creates or edits something, with its messages and buttons. */
export function EditorForm(props: EditorFormProps) {
  const { editor, noun, existing, createLabel, problem, onCancel, stored, children } = props;
  const conflict = editor.outdated && stored;
  return (
    <Form
      label={`${existing ? 'Edit' : 'Create'} ${noun}`}
      problems={editor.failure}
      onSubmit={editor.save}
      className="flex flex-col gap-4 [&_:is(input,select,textarea)]:scroll-mb-24"
    >
      {editor.restored && <p className="text-muted">We restored your unsaved changes.</p>}
      {conflict ? <Conflict noun={noun} stored={stored} editor={editor} /> : <FormError>{problem}</FormError>}
      {children}
      <div
        className={classNames(
          'flex flex-wrap items-center gap-2',
          existing &&
            'sticky bottom-(--bar,0px) -mx-4 -mb-4 rounded-b-lg border-t border-line bg-surface px-4 py-3',
        )}
      >
        <Button
          type="submit"
          variant="primary"
          pending={editor.saving}
          className="max-sm:min-h-12 max-sm:flex-1"
        >
          {existing ? 'Save Changes' : createLabel}
        </Button>
        <Button
          onClick={() => {
            editor.reset();
            onCancel?.();
          }}
          className="max-sm:min-h-12"
        >
          Cancel
        </Button>
        <span role="status" className="text-muted">
          {editor.unchanged && 'No changes'}
        </span>
      </div>
    </Form>
  );
}

interface ConflictProps {
  readonly noun: string;
  readonly stored: StoredState;
  readonly editor: EditorState;
}

/** Somebody else saved first: shows what changed, and lets the user choose. */
function Conflict({ noun, stored, editor }: ConflictProps) {
  const { by, changes, load } = stored;
  const [state, setState] = useState<'loading' | 'loaded' | 'failed'>('loading');
  // biome-ignore lint/correctness/useExhaustiveDependencies: loads once per refused save.
  useEffect(() => {
    load().then(
      () => setState('loaded'),
      () => setState('failed'),
    );
  }, []);
  return (
    <div
      role="alert"
      tabIndex={-1}
      data-form-error
      className="flex flex-col items-start gap-2 rounded-md bg-waiting-soft px-3 py-2 text-waiting"
    >
      {state === 'loading' && <p>{`This ${noun} has changed. Loading the saved ${noun}…`}</p>}
      {state === 'failed' && (
        <p>{`This ${noun} has changed, and the saved ${noun} couldn't be loaded. Save again to retry.`}</p>
      )}
      {state === 'loaded' && (
        <>
          <p className="wrap-anywhere">
            <UserText>{by?.actorUsername ?? 'Somebody'}</UserText> {`changed this ${noun}`}
            {by && (
              <>
                {' at '}
                <ShortTime value={by.at} />
              </>
            )}
            : <UserText>{changes}</UserText>
          </p>
          <div className="flex flex-wrap gap-2">
            <Button onClick={editor.reset}>Use theirs</Button>
            <Button onClick={editor.dismiss}>Keep mine</Button>
          </div>
        </>
      )}
    </div>
  );
}
