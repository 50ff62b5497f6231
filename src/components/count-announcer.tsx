import { useEffect, useRef, useState } from 'react';

/** Announces a message to screen readers when it changes, not when it first appears. Invisible. */
export function CountAnnouncer({ message }: { readonly message: string }) {
  const known = useRef(message);
  const [announced, setAnnounced] = useState('');
  useEffect(() => {
    if (known.current === message) return;
    known.current = message;
    setAnnounced(message);
  }, [message]);
  return (
    <p aria-live="polite" className="sr-only">
      {announced}
    </p>
  );
}
