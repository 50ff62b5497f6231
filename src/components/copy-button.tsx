import { Check, Copy } from 'lucide-react';
import { useEffect, useState } from 'react';
import { announce } from './toast.tsx';

/** Copies `text`; `label` says what, as in "Copy commit". Without a clipboard (plain HTTP) it says so. */
export function CopyButton({ text, label }: { readonly text: string; readonly label: string }) {
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return;
    const timer = setTimeout(() => setCopied(false), 2_000);
    return () => clearTimeout(timer);
  }, [copied]);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      setCopied(true);
      announce('Copied.');
    } catch {
      announce(`The browser did not allow copying. Select it by hand: ${text}`, 'failed');
    }
  };
  return (
    <button
      type="button"
      aria-label={label}
      title={label}
      onClick={copy}
      className="inline-flex cursor-pointer rounded p-1 text-muted hover:text-ink"
    >
      {copied ? <Check aria-hidden size={14} /> : <Copy aria-hidden size={14} />}
    </button>
  );
}
