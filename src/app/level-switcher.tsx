import { ChevronsUpDown } from 'lucide-react';
import { Link } from 'react-router';
import { IconButton } from '#src/components/icon-button.tsx';
import { UserText } from '#src/components/user-text.tsx';
import { paths } from '#src/config/paths.ts';
import { openMenu } from '#src/features/command-menu/menu-open.ts';

/** The organisation and project of the page, and a button to switch each. */
export function LevelSwitcher({
  org,
  project,
}: {
  readonly org: string;
  readonly project: string | undefined;
}) {
  return (
    <div data-levels className="hidden min-w-0 items-center gap-1 md:flex">
      <Level
        name={org}
        to={paths.organisation(org)}
        label="Switch organisation"
        onSwitch={() => openMenu('Organisations')}
      />
      {project && (
        <Level
          name={project}
          to={paths.project(org, project)}
          label="Switch project"
          onSwitch={() => openMenu('Projects')}
        />
      )}
    </div>
  );
}

interface LevelProps {
  readonly name: string;
  readonly to: string;
  readonly label: string;
  readonly onSwitch: () => void;
}

function Level({ name, to, label, onSwitch }: LevelProps) {
  return (
    <>
      <span aria-hidden className="text-muted">
        /
      </span>
      <Link to={to} className="max-w-40 truncate no-underline hover:underline">
        <UserText>{name}</UserText>
      </Link>
      <IconButton label={label} aria-haspopup="dialog" onClick={onSwitch}>
        <ChevronsUpDown aria-hidden size={14} />
      </IconButton>
    </>
  );
}
