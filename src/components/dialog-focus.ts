import { useRef } from 'react';

/**
 * Handlers that give the focus first to a question's **Cancel**, else to the first field, if the dialog has one, and bring
 * it back to where it was when the dialog closes, also for dialogs that are opened by state rather than by a trigger of their own. If that
 * place is gone (its row was deleted), the focus goes to the page's main part instead of falling out of it.
 */
export function useReturnedFocus() {
  const opener = useRef<Element | null>(null);
  return {
    onOpenAutoFocus: (event: Event) => {
      opener.current = document.activeElement;
      const box = event.currentTarget;
      if (!(box instanceof HTMLElement)) return;
      const first =
        box.querySelector<HTMLElement>('[data-dialog-cancel]') ??
        box.querySelector<HTMLElement>('input, textarea, select');
      if (!first) return;
      event.preventDefault();
      first.focus({ preventScroll: true });
    },
    onCloseAutoFocus: (event: Event) => {
      event.preventDefault();
      const back = opener.current;
      if (back instanceof HTMLElement && back.isConnected && back !== document.body) back.focus();
      else document.getElementById('main')?.focus();
    },
  };
}
