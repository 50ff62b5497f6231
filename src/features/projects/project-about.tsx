import { useQuery } from '@connectrpc/connect-query';
import { useState } from 'react';
import { Button } from '#src/components/button.tsx';
import { DescriptionDialog } from '#src/components/description-dialog.tsx';
import { ActionError } from '#src/components/states.tsx';
import { UserText } from '#src/components/user-text.tsx';
import { ReleaseService } from '#src/gen/forest/v1/releases_pb.ts';
import { describeError } from '#src/lib/errors.ts';
import { useProjectMutations } from './use-projects.ts';

export interface ProjectAboutProps {
  readonly organisation: string;
  readonly project: string;
  readonly canEdit: boolean;
}

/** A project's description, which admins can edit. */
export function ProjectAbout({ organisation, project, canEdit }: ProjectAboutProps) {
  const query = useQuery(ReleaseService.method.getProject, { organisation, project });
  const { update } = useProjectMutations();
  const [editing, setEditing] = useState(false);
  const description = query.data?.project?.description ?? '';
  if (query.error) {
    return (
      <ActionError>{`Couldn't load the description. ${describeError(query.error).message}`}</ActionError>
    );
  }
  if (!query.data || (!description && !canEdit)) return null;
  return (
    <div className="flex flex-wrap items-start gap-x-3 gap-y-2">
      {description && (
        <p dir="auto" className="max-w-prose min-w-0 whitespace-pre-wrap text-muted wrap-anywhere">
          <UserText>{description}</UserText>
        </p>
      )}
      {canEdit && (
        <Button variant="text" onClick={() => setEditing(true)}>
          {description ? 'Edit description' : 'Add description'}
        </Button>
      )}
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
    </div>
  );
}
