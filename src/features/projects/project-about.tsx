import { useQuery } from '@connectrpc/connect-query';
import { useState } from 'react';
import { Button } from '#src/components/button.tsx';
import { ActionError } from '#src/components/states.tsx';
import { ReleaseService } from '#src/gen/forest/v1/releases_pb.ts';
import { describeError } from '#src/lib/errors.ts';
import { EditDescriptionDialog } from './edit-description-dialog.tsx';

export interface ProjectAboutProps {
  readonly organisation: string;
  readonly project: string;
  /** Whether the caller may change it, as the session says. */
  readonly canEdit: boolean;
}

/** What is said about a project, below its name; nothing for a project of which nothing is said. */
export function ProjectAbout({ organisation, project, canEdit }: ProjectAboutProps) {
  const query = useQuery(ReleaseService.method.getProject, { organisation, project });
  const [editing, setEditing] = useState(false);
  const description = query.data?.project?.description ?? '';
  if (query.error) {
    return (
      <ActionError>The description could not be loaded. {describeError(query.error).message}</ActionError>
    );
  }
  if (!query.data || (!description && !canEdit)) return null;
  return (
    <div className="flex flex-wrap items-start gap-x-3 gap-y-2">
      {description && (
        <p dir="auto" className="max-w-prose min-w-0 whitespace-pre-wrap text-muted wrap-anywhere">
          {description}
        </p>
      )}
      {canEdit && (
        <Button onClick={() => setEditing(true)}>
          {description ? 'Edit description' : 'Add description'}
        </Button>
      )}
      {editing && (
        <EditDescriptionDialog
          organisation={organisation}
          project={project}
          description={description}
          onClose={() => setEditing(false)}
        />
      )}
    </div>
  );
}
