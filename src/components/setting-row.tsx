import type { ReactNode } from 'react';
import { classNames } from './class-names.ts';
import { RowActions } from './row-actions.tsx';
import { ActionError } from './states.tsx';

export interface SettingRowProps {
  readonly name: string;
  readonly enabled: boolean;
  /** Name and details, beside the state. */
  readonly children: ReactNode;
  /** Text buttons, for those who can change it. */
  readonly actions?: ReactNode;
  /** Why the last action failed. */
  readonly problem?: string;
  /** Below, at full width. */
  readonly below?: ReactNode;
}

/** A policy or pipeline in its list: state, details and actions. */
export function SettingRow({ name, enabled, children, actions, problem, below }: SettingRowProps) {
  return (
    <li className="flex flex-col gap-2 border-b border-line px-4 py-2.5 last:border-b-0">
      <div className="flex items-center gap-x-3">
        <div className="flex min-w-0 flex-1 flex-wrap items-center gap-x-2 gap-y-1 sm:gap-x-3">
          <span className="flex shrink-0 items-center gap-1.5 text-xs text-muted sm:w-20">
            <span
              aria-hidden
              className={classNames(
                'size-2.5 shrink-0 rounded-full border',
                enabled ? 'border-passed bg-passed' : 'border-line-strong',
              )}
            />
            <span className={enabled ? 'max-sm:sr-only' : undefined}>{enabled ? 'Enabled' : 'Disabled'}</span>
          </span>
          {children}
        </div>
        {actions && <RowActions name={name}>{actions}</RowActions>}
      </div>
      {problem && <ActionError>{problem}</ActionError>}
      {below}
    </li>
  );
}
