import { useState } from 'react';
import { Link, useNavigate } from 'react-router';
import { Button } from '#src/components/button.tsx';
import { Row, Rows } from '#src/components/rows.tsx';
import { Section } from '#src/components/section.tsx';
import { Empty } from '#src/components/states.tsx';
import { paths } from '#src/config/paths.ts';
import { useMayCreateOrganisations, useSession } from '#src/lib/session.ts';
import { CreateOrganisationDialog } from './create-organisation-dialog.tsx';

/** The caller's organisations, and the button to create one. */
export function OrganisationList() {
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
