import { Button } from '#src/components/button.tsx';
import { UserText } from '#src/components/user-text.tsx';
import type { EnvironmentRequirements } from '#src/gen/forest/v1/policies_pb.ts';
import { visibleText } from '#src/lib/visible-text.ts';
import { barLabel } from './requirements-view.ts';

export interface DecisionBarProps {
  readonly environment: EnvironmentRequirements;
  readonly onReview: () => void;
}

/**
 * What is missing, and **Review**, at the bottom of windows that are too narrow for a column beside the page. The style sheet sets
 * `--bar` for it, above which messages and the end of the page stand, and hides it while a field has the keyboard of a phone.
 */
export function DecisionBar({ environment, onReview }: DecisionBarProps) {
  const label = barLabel(environment);
  return (
    <div
      data-bar
      className="fixed inset-x-0 bottom-0 z-30 flex min-h-(--bar) items-center justify-between gap-3 border-t border-line bg-surface px-4 pt-2 pb-[calc(0.5rem+env(safe-area-inset-bottom))] lg:hidden"
    >
      <p title={visibleText(label)} className="line-clamp-2 min-w-0 text-sm font-medium wrap-anywhere">
        <UserText>{label}</UserText>
      </p>
      <Button variant="primary" className="min-h-10 shrink-0" onClick={onReview}>
        Review
      </Button>
    </div>
  );
}
