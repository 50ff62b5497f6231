import { ChevronDown } from 'lucide-react';
import { UserText } from '#src/components/user-text.tsx';
import { openMenu } from '#src/features/command-menu/menu-open.ts';
import { visibleText } from '#src/lib/visible-text.ts';

export interface LevelSwitcherProps {
  readonly org: string;
  readonly project: string | undefined;
}

/** The organisation and project of the page; each opens the list of the others. Links to them are in the breadcrumbs. */
export function LevelSwitcher({ org, project }: LevelSwitcherProps) {
  return (
    <div data-levels className="hidden min-w-0 items-center gap-1 md:flex">
      <Level name={org} purpose="switch organisation" onSwitch={() => openMenu('Organisations')} />
      {project && <Level name={project} purpose="switch project" onSwitch={() => openMenu('Projects')} />}
    </div>
  );
}

interface LevelProps {
  readonly name: string;
  readonly purpose: string;
  readonly onSwitch: () => void;
}

function Level({ name, purpose, onSwitch }: LevelProps) {
  return (
    <>
      <span aria-hidden className="text-muted">
        /
      </span>
      <button
        type="button"
        aria-haspopup="dialog"
        aria-label={visibleText(`${name}, ${purpose}`)}
        onClick={onSwitch}
        className="flex min-h-8 max-w-40 min-w-0 cursor-pointer items-center gap-1 rounded px-1 hover:bg-sunken pointer-coarse:min-h-11"
      >
        <span className="truncate">
          <UserText>{name}</UserText>
        </span>
        <ChevronDown aria-hidden size={14} className="shrink-0 text-muted" />
      </button>
    </>
  );
}
