import { UserText } from '#src/components/user-text.tsx';
import type { PolicyDraft } from './policy-draft.ts';
import { policySentence } from './policy-sentence.ts';

/** What the policy in the form does, in one sentence. */
export function InEffect({ draft }: { readonly draft: PolicyDraft }) {
  return (
    <div className="self-start rounded-md bg-sunken px-3 py-2">
      <h3 className="font-semibold">In effect</h3>
      <p className="mt-1 wrap-anywhere">
        <UserText>{policySentence(draft)}</UserText>
      </p>
    </div>
  );
}
