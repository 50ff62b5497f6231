import { useEffect, useState } from 'react';

/** Forms that are unsaved when the session ends or another release is shown are kept in this tab for the same user. They are written only then. */
const prefix = 'forage.draft.';
const ownerKey = 'forage.draft-owner';

const open = new Map<string, () => string>();

/** Stores the content of all open forms; called when the session has ended, and before they make room for others. */
export function keepDrafts(userId: string | undefined, storage: Storage = sessionStorage): void {
  if (!userId || open.size === 0) return;
  storage.setItem(ownerKey, userId);
  for (const [key, read] of open) {
    const text = read();
    if (text) storage.setItem(prefix + key, text);
  }
}

/** Whether drafts are kept for whoever signs in next. */
export function hasDrafts(storage: Storage = sessionStorage): boolean {
  return Object.keys(storage).some((key) => key.startsWith(prefix));
}

/** Removes stored drafts of other users; called after signing in and out. */
export function claimDrafts(userId: string | undefined, storage: Storage = sessionStorage): void {
  if (userId && storage.getItem(ownerKey) === userId) return;
  for (const key of Object.keys(storage)) {
    if (key.startsWith(prefix) || key === ownerKey) storage.removeItem(key);
  }
}

/**
 * Form state that survives the end of the session: like `useState`, with the draft stored under `key` in place of `initial`.
 * `key` is unique on the page, `Draft` must be JSON, and drafts equal to `initial` are not stored. `restored` says whether a
 * stored draft was used.
 */
export function useDraft<Draft>(key: string, initial: Draft) {
  const [start] = useState(() => {
    const kept = sessionStorage.getItem(prefix + key);
    // The spread over `initial` completes a draft that an older version stored.
    return kept === null ? null : parseDraft<Draft>(kept, initial);
  });
  const [draft, setDraft] = useState<Draft>(start ?? initial);

  useEffect(() => sessionStorage.removeItem(prefix + key), [key]);
  useEffect(() => {
    const text = JSON.stringify(draft);
    open.set(key, () => (text === JSON.stringify(initial) ? '' : text));
    return () => {
      open.delete(key);
    };
  }, [key, draft, initial]);

  return { draft, setDraft, restored: start !== null };
}

function parseDraft<Draft>(text: string, initial: Draft): Draft | null {
  try {
    const kept: unknown = JSON.parse(text);
    if (typeof kept !== typeof initial || kept === null) return null;
    if (typeof initial === 'object') return { ...initial, ...(kept as Draft) };
    return kept as Draft;
  } catch {
    return null;
  }
}
