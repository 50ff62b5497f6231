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
import { type OrganisationCounts, useOrganisationCounts } from './use-organisation-counts.ts';

export interface OrganisationListProps {
  /** How much waits for the caller, where anything does. */
  readonly waiting: readonly OrganisationWaiting[];
}

/** Counts are up to this. */
const MAX_COUNT = 100;

/** The caller's organisations with what is in them and waits for the caller there, and the button to create one. */
export function OrganisationList({ waiting }: OrganisationListProps) {
  const counts = useOrganisationCounts();
  const session = useSession();
  const memberships = session?.memberships ?? [];
  const mayCreate = useMayCreateOrganisations();
  const [creating, setCreating] = useState(false);
  const navigate = useNavigate();
  const none = memberships.length === 0;
  // The last list of the page: it appears as a whole, so that nothing in it moves.
  if (counts.isPending) return null;
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
              <Facts
                role={role}
                counts={counts.data?.[organisationId]}
                waiting={waiting.find((one) => one.organisation === organisation)?.waiting ?? 0}
              />
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

interface FactsProps {
  readonly role: string;
  /** Absent while they are not known. */
  readonly counts: OrganisationCounts | undefined;
  readonly waiting: number;
}

/** `admin · 6 projects`, and what waits or failed. */
function Facts({ role, counts, waiting }: FactsProps) {
  return (
    <>
      <span className="text-muted">
        {role}
        {counts && ` · ${counts.projects} ${counts.projects === 1 ? 'project' : 'projects'}`}
      </span>
      <span className="ml-auto flex gap-1.5">
        {waiting > 0 && (
          <Badge tone="waiting" icon={null}>
            {`${waiting}${waiting < MAX_COUNT ? '' : '+'} waiting`}
          </Badge>
        )}
        {counts && counts.failed > 0 && (
          <Badge tone="failed" icon={null}>
            {`${counts.failed} failed`}
          </Badge>
        )}
      </span>
    </>
  );
}
