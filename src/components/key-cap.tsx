/** A key of the keyboard. */
export function KeyCap({ children }: { readonly children: string }) {
  return (
    <kbd className="inline-block min-w-6 rounded border border-line-strong bg-sunken px-1.5 text-center font-sans text-xs leading-5 text-ink">
      {children}
    </kbd>
  );
}
