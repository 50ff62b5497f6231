import { useEffect } from 'react';
import type { PendingApproval } from '#src/gen/forest/v1/policies_pb.ts';
import { useDraft } from '#src/lib/draft.ts';
import { keyOf } from './triage-lines.ts';

/** Where the comment of a vote on these is kept when the session ends. */
export function draftKeyOf(approvals: readonly PendingApproval[]): string {
  const [only] = approvals;
  return only && approvals.length === 1 ? `triage:${keyOf(only)}` : 'triage:several';
}

/**
 * Keeps a comment while its vote is on its way and the dialog is closed already: if the server then says that the session has
 * ended, the comment is there again after signing in.
 */
export function KeptComment({ draftKey, comment }: { readonly draftKey: string; readonly comment: string }) {
  const { setDraft } = useDraft(draftKey, '');
  useEffect(() => setDraft(comment), [comment, setDraft]);
  return null;
}
