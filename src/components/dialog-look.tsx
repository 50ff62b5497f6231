import { useEffect } from 'react';

/** The classes of a dialog's box: centred, never wider or higher than the window. */
export const dialogBox =
  'fixed inset-x-4 top-[12vh] z-50 mx-auto max-h-[80vh] max-w-lg overflow-y-auto rounded-lg border border-line bg-surface p-5 shadow-xl';

/**
 * The dark sheet behind a dialog. Ours instead of Radix's overlay, which writes a style element into the page
 * to stop scrolling and so breaks a strict content security policy; the style sheet does that here. While it is
 * there, nothing behind it can be reached by pointer, keyboard or screen reader.
 */
export function Backdrop() {
  useEffect(() => {
    const page = document.getElementById('root');
    page?.setAttribute('inert', '');
    return () => page?.removeAttribute('inert');
  }, []);
  return <div data-backdrop className="fixed inset-0 z-40 bg-black/50" />;
}
