import { TriangleAlert } from 'lucide-react';

export interface WarningListProps {
  /** Names the list for who cannot see where it stands. */
  readonly label: string;
  readonly warnings: readonly string[];
}

/** What deserves a second look and forbids nothing. Nothing at all when there are no warnings. */
export function WarningList({ label, warnings }: WarningListProps) {
  if (warnings.length === 0) return null;
  return (
    <ul
      aria-label={label}
      className="flex min-w-0 flex-col gap-1 rounded-md bg-waiting-soft px-3 py-2 text-sm text-waiting"
    >
      {warnings.map((words) => (
        <li key={words} className="flex min-w-0 items-start gap-1.5">
          <TriangleAlert aria-hidden size={15} className="mt-0.5 shrink-0" />
          <span className="min-w-0 wrap-anywhere">{words}</span>
        </li>
      ))}
    </ul>
  );
}
