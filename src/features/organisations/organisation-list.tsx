import { useState } from 'react';
import { Link, useNavigate } from 'react-router';
import { Badge } from '#src/components/badge.tsx';
import { Button } from '#src/components/button.tsx';
import { Row, Rows } from '#src/components/rows.tsx';
import { Section } from '#src/components/section.tsx';
import { Empty } from '#src/components/states.tsx';
import { paths } from '#src/config/paths.ts';
import type { OrganisationWaiting } from '#src/gen/forest/v1/policies_pb.ts';
import { useSession } from '#src/lib/session.ts';
import { useMayCreateOrganisations } from '#src/lib/session-facts.ts';
import { CreateOrganisationDialog } from './create-organisation-dialog.tsx';

export interface OrganisationListProps {
  /** How much waits for the caller, where anything does. */
  readonly counts: readonly OrganisationWaiting[];
}

/** Counts are up to this. */
const MAX_COUNT = 100;

/** The caller's organisations with what waits for them there, and the button to create one. */
export function OrganisationList({ counts }: OrganisationListProps) {
  const session = useSession();
  const memberships = session?.memberships ?? [];
  const mayCreate = useMayCreateOrganisations();
  const [creating, setCreating] = useState(false);
  const navigate = useNavigate();
  const none = memberships.length === 0;
  return (
    <Section
      title="Your organisations"
      flush
      actions={!none && mayCreate && <Button onClick={() => setCreating(true)}>Create organisation</Button>}
    >
      {none ? (
        <Empty title="No organisations yet">
          <p>
            To join one, ask one of its admins to add you by your username,{' '}
            <strong>{session?.user?.username}</strong>, or your email.{mayCreate && ' Or create your own.'}
          </p>
          {mayCreate && (
            <Button variant="primary" className="mt-3" onClick={() => setCreating(true)}>
              Create organisation
            </Button>
          )}
        </Empty>
      ) : (
        <Rows label="Your organisations">
          {memberships.map(({ organisationId, organisation, role }) => (
            <Row key={organisationId}>
              <Link to={paths.organisation(organisation)} className="min-w-0 font-medium wrap-anywhere">
                {organisation}
              </Link>
              <span className="text-muted">{role}</span>
              <Waiting count={counts.find((one) => one.organisation === organisation)?.waiting ?? 0} />
            </Row>
          ))}
        </Rows>
      )}
      {creating && (
        <CreateOrganisationDialog
          onClose={() => setCreating(false)}
          onCreated={(organisation) => {
            setCreating(false);
            void navigate(paths.organisation(organisation));
          }}
        />
      )}
    </Section>
  );
}

function Waiting({ count }: { readonly count: number }) {
  if (count === 0) return null;
  return (
    <Badge tone="waiting" icon={null} className="ml-auto">
      {`${count}${count < MAX_COUNT ? '' : '+'} waiting`}
    </Badge>
  );
}
