import { GitBranch, Hourglass, type LucideIcon, UserCheck } from 'lucide-react';
import { useState } from 'react';
import { Link } from 'react-router';
import { Badge } from '#src/components/badge.tsx';
import { Button, buttonLook } from '#src/components/button.tsx';
import { classNames } from '#src/components/class-names.ts';
import { ActionError } from '#src/components/states.tsx';
import { announce } from '#src/components/toast.tsx';
import { WarningList } from '#src/components/warning-list.tsx';
import { paths } from '#src/config/paths.ts';
import type { Policy } from '#src/gen/forest/v1/policies_pb.ts';
import { describeError } from '#src/lib/errors.ts';
import { policyWarningWords } from '#src/lib/policy-warning-words.ts';
import { DeletePolicyDialog } from './delete-policy-dialog.tsx';
import { policyDetails, policyLabel } from './policy-kinds.ts';
import { usePolicyWrites } from './use-policy-writes.ts';

export interface PolicyRowProps {
  readonly organisation: string;
  readonly project: string;
  readonly policy: Policy;
  /** Whether the caller may change policies, as the session says. */
  readonly canEdit: boolean;
}

const icons: Record<string, LucideIcon> = {
  soakTime: Hourglass,
  branchRestriction: GitBranch,
  approval: UserCheck,
};

/** One policy: state, name, kind, what it demands, why it may never pass, and for admins what can be done with it. */
export function PolicyRow({ organisation, project, policy, canEdit }: PolicyRowProps) {
  const [deleting, setDeleting] = useState(false);
  const { update } = usePolicyWrites();
  const { name, enabled } = policy;
  const toggle = () => {
    update.mutate(
      { project: { organisation, project }, name, enabled: !enabled },
      { onSuccess: () => announce(enabled ? 'Policy disabled.' : 'Policy enabled.') },
    );
  };
  return (
    <li className="flex flex-wrap items-center gap-x-3 gap-y-2 border-b border-line px-4 py-2.5 last:border-b-0">
      <span className="flex w-20 items-center gap-1.5 text-xs text-muted">
        <span
          aria-hidden
          className={classNames(
            'size-2.5 shrink-0 rounded-full border',
            enabled ? 'border-passed bg-passed' : 'border-line-strong',
          )}
        />
        {enabled ? 'Enabled' : 'Disabled'}
      </span>
      <span className={classNames('min-w-0 font-medium wrap-anywhere', !enabled && 'text-muted')}>
        {name}
      </span>
      <Badge icon={icons[policy.config.case ?? ''] ?? null}>{policyLabel(policy)}</Badge>
      <span className="min-w-0 text-muted wrap-anywhere">{policyDetails(policy)}</span>
      {canEdit && (
        <span className="ml-auto flex flex-wrap gap-2">
          <Link to={paths.policy(organisation, project, name)} className={buttonLook()}>
            Edit
          </Link>
          <Button onClick={toggle} pending={update.isPending}>
            {enabled ? 'Disable' : 'Enable'}
          </Button>
          <Button variant="reject" onClick={() => setDeleting(true)}>
            Delete
          </Button>
        </span>
      )}
      {policy.warnings.length > 0 && (
        <div className="w-full min-w-0">
          <WarningList
            label={`Warnings about ${name}`}
            warnings={policy.warnings.map((warning) => policyWarningWords(warning, 'policy'))}
          />
        </div>
      )}
      {update.error && (
        <div className="w-full">
          <ActionError>
            “{name}” was not changed. {describeError(update.error).message}
          </ActionError>
        </div>
      )}
      {deleting && (
        <DeletePolicyDialog
          organisation={organisation}
          project={project}
          name={name}
          onClose={() => setDeleting(false)}
        />
      )}
    </li>
  );
}
