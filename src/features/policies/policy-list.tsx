import { useTransport } from '@connectrpc/connect-query';
import { useInfiniteQuery } from '@tanstack/react-query';
import { GitBranch, Hourglass, type LucideIcon, UserCheck } from 'lucide-react';
import { Badge } from '#src/components/badge.tsx';
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
import { policyDetails, policyLabel } from './policy-types.ts';
import { policiesOptions, usePolicyMutations } from './use-policies.ts';

export interface PolicyListProps {
  readonly project: ProjectRef;
  readonly canEdit: boolean;
}

/** The project's policies, enabled or not. */
export function PolicyList({ project, canEdit }: PolicyListProps) {
  const query = useInfiniteQuery(policiesOptions(useTransport(), project));
  const policies = query.data?.pages.flatMap((page) => page.policies) ?? [];
  return (
    <Section title="Policies" flush>
      <PagedList
        query={query}
        what="policies"
        count={policies.length}
        empty={
          <Empty title="No deployment policies configured.">
            {`Without a policy, every release may be deployed to every environment. ${canEdit ? 'Create the first one below.' : 'An admin can create one.'}`}
          </Empty>
        }
      >
        <ul aria-label="Policies">
          {policies.map((policy) => (
            <PolicyRow key={policy.id} project={project} policy={policy} canEdit={canEdit} />
          ))}
        </ul>
      </PagedList>
    </Section>
  );
}

const icons: Record<string, LucideIcon> = {
  soakTime: Hourglass,
  branchRestriction: GitBranch,
  approval: UserCheck,
};

function PolicyRow({ project, policy, canEdit }: PolicyListProps & { readonly policy: Policy }) {
  const { update, remove } = usePolicyMutations();
  const { name, enabled, warnings } = policy;
  return (
    <SettingRow
      noun="policy"
      name={name}
      enabled={enabled}
      scope={{ project, name }}
      editPath={paths.policy(project.organisation, project.project, name)}
      canEdit={canEdit}
      update={update}
      remove={remove}
      deleteDescription="Releases blocked only by this policy will continue immediately. Votes and history are kept. This can't be undone."
      below={
        warnings.length > 0 && (
          <div className="w-full min-w-0">
            <WarningList
              label={`Warnings about ${name}`}
              warnings={warnings.map((warning) => policyWarningMessage(warning, 'policy'))}
            />
          </div>
        )
      }
    >
      <span className={classNames('min-w-0 font-medium wrap-anywhere', !enabled && 'text-muted')}>
        <UserText>{name}</UserText>
      </span>
      <Badge icon={icons[policy.config.case ?? ''] ?? null}>{policyLabel(policy)}</Badge>
      <span className="min-w-0 text-muted wrap-anywhere">
        <UserText>{policyDetails(policy)}</UserText>
      </span>
    </SettingRow>
  );
}
