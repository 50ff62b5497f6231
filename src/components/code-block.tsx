import { CopyButton } from './copy-button.tsx';

/** Lines for a shell or a file, with a copy button. Long lines wrap. */
export function CodeBlock({ text, label }: { readonly text: string; readonly label: string }) {
  return (
    <div className="flex min-w-0 items-start gap-2 rounded-md border border-line bg-sunken p-3">
      <pre className="min-w-0 flex-1 font-mono text-xs whitespace-pre-wrap wrap-anywhere">{text}</pre>
      <CopyButton text={text} label={label} />
    </div>
  );
}
