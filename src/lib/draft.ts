import { useEffect, useState } from 'react';

/**
 * What somebody has typed when their session ends in mid-work: kept in this tab over the way to sign-in and
 * back, for the same user only. It is written at that moment alone, so that no old draft ever surprises.
 */
const prefix = 'forage.draft.';
const ownerKey = 'forage.draft-owner';

const open = new Map<string, () => string>();

/** Writes down what all forms on the page hold; called when the server no longer knows the session. */
export function keepDrafts(userId: string | undefined, storage: Storage = sessionStorage): void {
  if (!userId || open.size === 0) return;
  storage.setItem(ownerKey, userId);
  for (const [key, read] of open) {
    const text = read();
    if (text) storage.setItem(prefix + key, text);
  }
}

/** Throws kept drafts away unless they are this user's; called after signing in and after signing out. */
export function claimDrafts(userId: string | undefined, storage: Storage = sessionStorage): void {
  if (userId && storage.getItem(ownerKey) === userId) return;
  for (const key of Object.keys(storage)) {
    if (key.startsWith(prefix) || key === ownerKey) storage.removeItem(key);
  }
}

/**
 * State of a form that survives the session's end: like `useState`, starting with what was kept under `key`
 * (unique on the page; name the thing edited) or else with `initial`. `Draft` has to survive JSON; drafts
 * equal to `initial` are not kept. `restored` says that something was brought back, so that it can be shown.
 */
export function useDraft<Draft>(key: string, initial: Draft) {
  const [start] = useState(() => {
    const kept = sessionStorage.getItem(prefix + key);
    // Written by this page in this tab; a shape of another version is caught by the spread over `initial`.
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
