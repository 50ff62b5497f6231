import { useEffect, useRef, useState } from 'react';

/** Reads out `words` politely when they change while the page is open; silent at first, and invisible. */
export function CountAnnouncer({ words }: { readonly words: string }) {
  const known = useRef(words);
  const [said, setSaid] = useState('');
  useEffect(() => {
    if (known.current === words) return;
    known.current = words;
    setSaid(words);
  }, [words]);
  return (
    <p aria-live="polite" className="sr-only">
      {said}
    </p>
  );
}
