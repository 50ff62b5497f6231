import { timestampDate } from '@bufbuild/protobuf/wkt';
import { useQuery } from '@connectrpc/connect-query';
import { useState } from 'react';
import { Badge } from '#src/components/badge.tsx';
import { Button } from '#src/components/button.tsx';
import { DeleteDialog } from '#src/components/delete-dialog.tsx';
import { PagedList } from '#src/components/paged-list.tsx';
import { RelativeTime } from '#src/components/relative-time.tsx';
import { Row, Rows } from '#src/components/rows.tsx';
import { Section } from '#src/components/section.tsx';
import { Empty } from '#src/components/states.tsx';
import { type JoinRule, OrganisationService } from '#src/gen/forest/v1/organisations_pb.ts';
import type { SignInProvider } from '#src/gen/forest/v1/sessions_pb.ts';
import { AddJoinRule } from './add-join-rule.tsx';
import { useJoinRuleMutations } from './use-organisations.ts';

export interface JoinRulesProps {
  readonly organisation: string;
  readonly organisationId: string;
  readonly providers: readonly SignInProvider[];
}

/** For admins: the rules that make people members at their first sign-in with a provider. */
export function JoinRules({ organisation, organisationId, providers }: JoinRulesProps) {
  const query = useQuery(OrganisationService.method.listJoinRules, { organisationId });
  const { remove } = useJoinRuleMutations();
  const [deleting, setDeleting] = useState<JoinRule>();
  const rules = query.data?.joinRules ?? [];
  const nameOf = (id: string) => providers.find(({ provider }) => provider === id)?.name ?? id;
  return (
    <Section title="Automatic membership" flush>
      <PagedList
        query={query}
        what="join rules"
        count={rules.length}
        empty={
          <Empty title="No automatic membership rules">
            With a rule, people who sign in with a provider for the first time join as members.
          </Empty>
        }
      >
        <Rows label="Join rules">
          {rules.map((rule) => (
            <Row key={rule.joinRuleId}>
              <span className="min-w-0 font-medium wrap-anywhere">{rule.emailDomain}</span>
              <Badge icon={null}>{nameOf(rule.provider)}</Badge>
              <span className="text-xs text-muted">
                created <RelativeTime value={rule.createdAt && timestampDate(rule.createdAt)} />
              </span>
              <span className="ml-auto">
                <Button
                  variant="text"
                  aria-label={`Delete rule for ${rule.emailDomain}`}
                  onClick={() => setDeleting(rule)}
                >
                  Delete
                </Button>
              </span>
            </Row>
          ))}
        </Rows>
      </PagedList>
      {providers.length > 0 && (
        <div className="border-t border-line p-4">
          <AddJoinRule organisation={organisation} organisationId={organisationId} providers={providers} />
        </div>
      )}
      {deleting && (
        <DeleteDialog
          what="join rule"
          name={deleting.emailDomain}
          description="New sign-ins will no longer join automatically. Existing members keep their access."
          deletion={remove}
          onConfirm={(done) => remove.mutate({ organisationId, joinRuleId: deleting.joinRuleId }, done)}
          onClose={() => setDeleting(undefined)}
        />
      )}
    </Section>
  );
}
