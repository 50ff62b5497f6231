import { useQuery } from '@connectrpc/connect-query';
import { useState } from 'react';
import { Button } from '#src/components/button.tsx';
import { DescriptionDialog } from '#src/components/description-dialog.tsx';
import { ActionError } from '#src/components/states.tsx';
import { UserText } from '#src/components/user-text.tsx';
import type { ProjectRef } from '#src/config/paths.ts';
import { ReleaseService } from '#src/gen/forest/v1/releases_pb.ts';
import { describeError } from '#src/lib/errors.ts';
import { useProjectMutations } from './use-projects.ts';

const useProject = (ref: ProjectRef) => useQuery(ReleaseService.method.getProject, { ...ref });

/** A project's description; nothing where it has none. */
export function ProjectAbout(ref: ProjectRef) {
  const { data, error } = useProject(ref);
  const description = data?.project?.description;
  if (error) {
    return <ActionError>{`Couldn't load the description. ${describeError(error).message}`}</ActionError>;
  }
  if (!description) return null;
  return (
    <p dir="auto" className="max-w-prose min-w-0 whitespace-pre-wrap text-muted wrap-anywhere">
      <UserText>{description}</UserText>
    </p>
  );
}

/** The button with which admins edit a project's description. */
export function EditDescription({ organisation, project }: ProjectRef) {
  const { data } = useProject({ organisation, project });
  const { update } = useProjectMutations();
  const [editing, setEditing] = useState(false);
  if (!data) return null;
  const description = data.project?.description ?? '';
  return (
    <>
      <Button variant="text" onClick={() => setEditing(true)}>
        {description ? 'Edit description' : 'Add description'}
      </Button>
      {editing && (
        <DescriptionDialog
          title={`Description of ${project}`}
          draftKey={`description:${organisation}/${project}`}
          description={description}
          pending={update.isPending}
          onSave={(text, done) => update.mutate({ organisation, project, description: text }, done)}
          onClose={() => setEditing(false)}
        />
      )}
    </>
  );
}
