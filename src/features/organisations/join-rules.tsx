import { timestampDate } from '@bufbuild/protobuf/wkt';
import { useQuery } from '@connectrpc/connect-query';
import { useState } from 'react';
import { Badge } from '#src/components/badge.tsx';
import { Button } from '#src/components/button.tsx';
import { DeleteDialog } from '#src/components/delete-dialog.tsx';
import { RelativeTime } from '#src/components/relative-time.tsx';
import { Row, Rows } from '#src/components/rows.tsx';
import { Section } from '#src/components/section.tsx';
import { Empty, Failed, Loading } from '#src/components/states.tsx';
import { type JoinRule, OrganisationService } from '#src/gen/forest/v1/organisations_pb.ts';
import type { SignInProvider } from '#src/gen/forest/v1/sessions_pb.ts';
import { describeError } from '#src/lib/errors.ts';
import { AddJoinRule } from './add-join-rule.tsx';
import { useJoinRuleWrites } from './use-join-rule-writes.ts';

export interface JoinRulesProps {
  readonly organisation: string;
  readonly organisationId: string;
  readonly providers: readonly SignInProvider[];
}

/** For admins: whose first sign-in by a provider makes them a member. */
export function JoinRules({ organisation, organisationId, providers }: JoinRulesProps) {
  const query = useQuery(OrganisationService.method.listJoinRules, { organisationId });
  const { remove } = useJoinRuleWrites();
  const [deleting, setDeleting] = useState<JoinRule>();
  const rules = query.data?.joinRules ?? [];
  const nameOf = (id: string) => providers.find(({ provider }) => provider === id)?.name ?? id;
  return (
    <Section title="Joining by itself" flush>
      {query.isPending && <Loading label="Loading join rules…" />}
      {query.error && (
        <Failed
          title="The join rules could not be loaded."
          message={describeError(query.error).message}
          onRetry={query.refetch}
          retrying={query.isFetching}
        />
      )}
      {query.data && rules.length === 0 && (
        <Empty title="Nobody joins by themselves.">
          With a rule, whoever signs in for the first time by a provider joins as member.
        </Empty>
      )}
      {rules.length > 0 && (
        <Rows label="Join rules">
          {rules.map((rule) => (
            <Row key={rule.joinRuleId}>
              <span className="min-w-0 font-medium wrap-anywhere">{rule.emailDomain}</span>
              <Badge icon={null}>{nameOf(rule.provider)}</Badge>
              <span className="text-xs text-muted">
                since <RelativeTime value={rule.createdAt && timestampDate(rule.createdAt)} />
              </span>
              <span className="ml-auto">
                <Button
                  variant="reject"
                  aria-label={`Delete rule for ${rule.emailDomain}`}
                  onClick={() => setDeleting(rule)}
                >
                  Delete
                </Button>
              </span>
            </Row>
          ))}
        </Rows>
      )}
      {providers.length > 0 && (
        <div className="border-t border-line p-4">
          <AddJoinRule organisation={organisation} organisationId={organisationId} providers={providers} />
        </div>
      )}
      {deleting && (
        <DeleteDialog
          what="join rule"
          name={deleting.emailDomain}
          description="Whoever signs in for the first time from now on does not join by it. Who has joined stays."
          deletion={remove}
          onConfirm={(done) => remove.mutate({ organisationId, joinRuleId: deleting.joinRuleId }, done)}
          onClose={() => setDeleting(undefined)}
        />
      )}
    </Section>
  );
}
