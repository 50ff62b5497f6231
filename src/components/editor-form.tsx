import { type ReactNode, useState } from 'react';
import { Button } from './button.tsx';
import { Form, FormError } from './form.tsx';
import { UserText } from './user-text.tsx';

/** The part of `useEditor` (lib/use-editor.ts) that the form needs. */
export interface EditorState {
  readonly restored: boolean;
  readonly failure: object | null;
  /** Whether the last save was refused because another change came first. */
  readonly outdated: boolean;
  readonly saving: boolean;
  readonly save: () => unknown;
  readonly reset: () => void;
}

export interface StoredState {
  /** In words, as last loaded. */
  readonly summary: string;
  /** Loads it; the form keeps its values. */
  readonly load: () => Promise<void>;
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
  return (
    <Form
      label={`${existing ? 'Edit' : 'Create'} ${noun}`}
      problems={editor.failure}
      onSubmit={editor.save}
      className="flex flex-col gap-4"
    >
      {editor.restored && <p className="text-muted">We restored your unsaved changes.</p>}
      <FormError>{problem}</FormError>
      {editor.outdated && stored && <Outdated noun={noun} stored={stored} />}
      {children}
      <div className="flex flex-wrap gap-2">
        <Button type="submit" variant="primary" pending={editor.saving}>
          {existing ? 'Save Changes' : createLabel}
        </Button>
        <Button
          onClick={() => {
            editor.reset();
            onCancel?.();
          }}
        >
          Cancel
        </Button>
      </div>
    </Form>
  );
}

/** Offers to load the stored state after another change came first, and shows it. */
function Outdated({ noun, stored }: { readonly noun: string; readonly stored: StoredState }) {
  const [state, setState] = useState<'old' | 'loading' | 'loaded'>('old');
  if (state === 'loaded') {
    return (
      <div role="status">
        <p className="font-medium">Saved by somebody else:</p>
        <p>
          <UserText>{stored.summary}</UserText>
        </p>
        <p className="text-muted">
          Your input is still in the form. Save Changes replaces the saved {noun}, Cancel keeps it.
        </p>
      </div>
    );
  }
  const load = async () => {
    setState('loading');
    await stored.load();
    setState('loaded');
  };
  return (
    <div>
      <Button pending={state === 'loading'} onClick={() => void load()}>
        Load the saved {noun}
      </Button>
    </div>
  );
}
