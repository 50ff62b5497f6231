import { useTransport } from '@connectrpc/connect-query';
import { useQuery } from '@tanstack/react-query';
import { GitBranch, Hourglass, type LucideIcon, UserCheck } from 'lucide-react';
import { Link } from 'react-router';
import { Badge } from '#src/components/badge.tsx';
import { Button, buttonLook } from '#src/components/button.tsx';
import { classNames } from '#src/components/class-names.ts';
import { PagedList } from '#src/components/paged-list.tsx';
import { Section } from '#src/components/section.tsx';
import { SettingRow } from '#src/components/setting-row.tsx';
import { Empty } from '#src/components/states.tsx';
import { UserText } from '#src/components/user-text.tsx';
import { WarningList } from '#src/components/warning-list.tsx';
import { type ProjectRef, paths } from '#src/config/paths.ts';
import type { Policy } from '#src/gen/forest/v1/policies_pb.ts';
import { policyWarningMessage } from '#src/lib/policy-warning-message.ts';
import { visibleText } from '#src/lib/visible-text.ts';
import { usePolicyActions } from './policy-actions.tsx';
import { draftOf } from './policy-draft.ts';
import { groupPolicies, unguarded } from './policy-groups.ts';
import { policySentence } from './policy-sentence.ts';
import { policyDetails, policyLabel } from './policy-types.ts';
import { policiesOptions, useEnvironments } from './use-policies.ts';

export interface PolicyListProps {
  readonly project: ProjectRef;
  readonly canEdit: boolean;
}

/** The project's policies, enabled or not, by the environment that they protect. */
export function PolicyList({ project, canEdit }: PolicyListProps) {
  const query = useQuery(policiesOptions(useTransport(), project));
  // Both, so that the groups do not change places. Without the environments the groups are sorted by name.
  const around = useEnvironments(project.organisation);
  const environments = around.data?.environments.map(({ name }) => name) ?? [];
  const policies = query.data?.policies ?? [];
  const open = unguarded(policies, environments);
  if (policies.length === 0 || around.isPending) {
    return (
      <Section title="Policies" hiddenTitle flush>
        <PagedList
          query={policies.length > 0 ? around : query}
          what="policies"
          count={0}
          empty={
            <Empty title="No deployment policies configured.">
              Without a policy, anyone can deploy any release to any environment.
            </Empty>
          }
        >
          {null}
        </PagedList>
      </Section>
    );
  }
  return (
    <PagedList query={query} what="policies" count={policies.length} empty={null}>
      {groupPolicies(policies, environments).map((group) => (
        <Section key={group.environment} title={group.environment || 'Unknown environment'} flush>
          <ul aria-label={`Policies for ${group.environment || 'an unknown environment'}`}>
            {group.policies.map((policy) => (
              <PolicyRow key={policy.id} project={project} policy={policy} canEdit={canEdit} />
            ))}
          </ul>
        </Section>
      ))}
      {open.length > 0 && <p className="text-muted">No policy guards {open.join(', ')}.</p>}
    </PagedList>
  );
}

const icons: Record<string, LucideIcon> = {
  soakTime: Hourglass,
  branchRestriction: GitBranch,
  approval: UserCheck,
};

function PolicyRow({ project, policy, canEdit }: PolicyListProps & { readonly policy: Policy }) {
  const { toggle, askDelete, pending, problem, dialog } = usePolicyActions(project, policy);
  const { name, enabled, warnings } = policy;
  const draft = draftOf(policy);
  const sentence = draft && policySentence(draft);
  return (
    <SettingRow
      name={name}
      enabled={enabled}
      problem={problem}
      actions={
        canEdit && (
          <>
            <Link
              to={paths.policy(project.organisation, project.project, name)}
              className={buttonLook('text')}
            >
              Edit
            </Link>
            <Button variant="text" onClick={toggle} pending={pending === 'disable' || pending === 'enable'}>
              {enabled ? 'Disable' : 'Enable'}
            </Button>
            <Button variant="text" onClick={askDelete} pending={pending === 'delete'}>
              Delete
            </Button>
          </>
        )
      }
      below={
        <>
          {!canEdit && sentence && (
            <p className="text-muted wrap-anywhere">
              <UserText>{sentence}</UserText>
            </p>
          )}
          <WarningList
            label={`Warnings about ${name}`}
            warnings={warnings.map((warning) => policyWarningMessage(warning, 'policy'))}
          />
          {dialog}
        </>
      }
    >
      <span className={classNames('min-w-0 font-medium wrap-anywhere', !enabled && 'text-muted')}>
        <UserText>{name}</UserText>
      </span>
      <Badge icon={icons[policy.config.case ?? ''] ?? null}>{policyLabel(policy)}</Badge>
      <span title={visibleText(sentence ?? '')} className="min-w-0 text-muted wrap-anywhere max-sm:w-full">
        <UserText>{policyDetails(policy)}</UserText>
      </span>
    </SettingRow>
  );
}
