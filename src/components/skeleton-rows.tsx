/** Grey bars in place of rows that are loading, so that the list keeps its room. */
export function SkeletonRows({ label, rows }: { readonly label: string; readonly rows: number }) {
  return (
    <div role="status">
      <span className="sr-only">{label}</span>
      {Array.from({ length: rows }, (_, index) => (
        <div
          // biome-ignore lint/suspicious/noArrayIndexKey: the bars are all the same
          key={index}
          aria-hidden
          className="flex h-11 items-center gap-4 border-b border-line px-4 last:border-b-0 max-sm:h-16"
        >
          <div className="h-3 w-2/5 rounded bg-sunken" />
          <div className="h-3 w-1/5 rounded bg-sunken" />
        </div>
      ))}
    </div>
  );
}
