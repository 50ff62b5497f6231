import { TriangleAlert } from 'lucide-react';
import { visibleText } from '#src/lib/visible-text.ts';
import { UserText } from './user-text.tsx';

export interface WarningListProps {
  /** Names the list for screen readers. */
  readonly label: string;
  readonly warnings: readonly string[];
}

/** Warnings, which block nothing. Renders nothing for an empty list. */
export function WarningList({ label, warnings }: WarningListProps) {
  if (warnings.length === 0) return null;
  return (
    <ul
      aria-label={visibleText(label)}
      className="flex min-w-0 flex-col gap-1 rounded-md bg-waiting-soft px-3 py-2 text-sm text-waiting"
    >
      {warnings.map((warning) => (
        <li key={warning} className="flex min-w-0 items-start gap-1.5">
          <TriangleAlert aria-hidden size={15} className="mt-0.5 shrink-0" />
          <span className="min-w-0 wrap-anywhere">
            <UserText>{warning}</UserText>
          </span>
        </li>
      ))}
    </ul>
  );
}
