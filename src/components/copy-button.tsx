import { Check, Copy } from 'lucide-react';
import { useEffect, useState } from 'react';
import { IconButton } from './icon-button.tsx';
import { announce } from './toast.tsx';

/** Copies `text`; `copied` for 2 seconds. Without clipboard access (plain HTTP) a message shows the text. */
export function useCopy(text: string) {
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
      announce('Copied');
    } catch {
      announce(`The browser blocked copying. Select and copy it manually: ${text}`, 'failed');
    }
  };
  return { copied, copy };
}

/** `label` names what is copied, as in "Copy commit". */
export function CopyButton({ text, label }: { readonly text: string; readonly label: string }) {
  const { copied, copy } = useCopy(text);
  return (
    <IconButton label={label} onClick={copy} className="-my-1">
      {copied ? <Check aria-hidden size={14} /> : <Copy aria-hidden size={14} />}
    </IconButton>
  );
}
