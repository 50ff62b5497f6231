import { type KeyboardEvent, useEffect, useId, useRef, useState } from 'react';
import { useNavigate } from 'react-router';
import { classNames } from '#src/components/class-names.ts';
import { Dialog } from '#src/components/dialog.tsx';
import { Input } from '#src/components/field.tsx';
import { ActionError } from '#src/components/states.tsx';
import { UserText } from '#src/components/user-text.tsx';
import { visibleText } from '#src/lib/visible-text.ts';
import { COMMAND_GROUPS, type Command, type CommandGroup, type CurrentScope } from './commands.ts';
import { useCommands } from './use-commands.ts';

interface CommandMenuBodyProps extends CurrentScope {
  readonly group: CommandGroup | 'All';
  readonly onClose: () => void;
}

/** The open menu: a search field and its results. The focus stays in the field; arrows select, Enter opens. */
export function CommandMenuBody({ group: only, onClose, ...scope }: CommandMenuBodyProps) {
  const [text, setText] = useState('');
  const [selected, setSelected] = useState(0);
  const navigate = useNavigate();
  const id = useId();
  const list = useRef<HTMLDivElement>(null);
  const { commands, searching, failed } = useCommands(text, only, scope);
  const active = Math.min(selected, commands.length - 1);

  useEffect(() => {
    list.current?.querySelector(`[data-index="${active}"]`)?.scrollIntoView({ block: 'nearest' });
  }, [active]);

  const go = (command: Command | undefined) => {
    if (!command) return;
    onClose();
    void navigate(command.to);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.nativeEvent.isComposing) return;
    const steps: Record<string, number> = { ArrowDown: 1, ArrowUp: -1 };
    const step = steps[event.key];
    if (step !== undefined && commands.length > 0) {
      event.preventDefault();
      setSelected((active + step + commands.length) % commands.length);
    } else if (event.key === 'Enter') {
      event.preventDefault();
      go(commands[active]);
    }
  };
  const groups = COMMAND_GROUPS.flatMap((group) => {
    const members = commands.flatMap((command, index) =>
      command.group === group ? [{ command, index }] : [],
    );
    return members.length > 0 ? [{ group, members }] : [];
  });

  return (
    <Dialog
      open
      onOpenChange={onClose}
      title={only === 'All' ? 'Go to' : `Go to ${only.toLowerCase().slice(0, -1)}`}
    >
      <Input
        role="combobox"
        aria-label="Project, release or screen"
        aria-expanded
        aria-controls={`${id}-list`}
        aria-autocomplete="list"
        aria-activedescendant={commands.length > 0 ? `${id}-${active}` : undefined}
        placeholder="Project, release or screen"
        autoComplete="off"
        spellCheck={false}
        value={text}
        onChange={(event) => {
          setText(event.target.value);
          setSelected(0);
        }}
        onKeyDown={onKeyDown}
      />
      <p role="status" className="sr-only">
        {searching ? 'Searching…' : `${commands.length} ${commands.length === 1 ? 'result' : 'results'}`}
      </p>
      <div
        ref={list}
        id={`${id}-list`}
        role="listbox"
        aria-label="Results"
        className="mt-2 max-h-[50vh] overflow-y-auto"
      >
        {groups.map(({ group, members }) => (
          // biome-ignore lint/a11y/useSemanticElements: a listbox may not contain a fieldset
          <div key={group} role="group" aria-labelledby={`${id}-${group}`}>
            <div
              id={`${id}-${group}`}
              role="presentation"
              className="px-2 pt-2 pb-1 text-xs font-semibold text-muted"
            >
              {group}
            </div>
            {members.map(({ command, index }) => (
              // biome-ignore lint/a11y/useKeyWithClickEvents: the field above has the focus and the keys
              <div
                key={command.to}
                id={`${id}-${index}`}
                data-index={index}
                role="option"
                aria-selected={index === active}
                tabIndex={-1}
                onClick={() => go(command)}
                className={classNames(
                  'flex min-h-9 cursor-pointer flex-wrap items-baseline gap-x-2 rounded-md px-2 py-1.5 outline-none',
                  index === active ? 'bg-sunken inset-ring-2 inset-ring-focus' : 'hover:bg-sunken',
                )}
              >
                <span
                  title={visibleText(command.label)}
                  className="line-clamp-1 min-w-0 font-medium wrap-anywhere"
                >
                  <UserText>{command.label}</UserText>
                </span>
                <span
                  title={visibleText(command.detail)}
                  className="line-clamp-1 min-w-0 text-xs text-muted wrap-anywhere"
                >
                  <UserText>{command.detail}</UserText>
                </span>
              </div>
            ))}
          </div>
        ))}
      </div>
      {commands.length === 0 && (
        <p className="px-2 py-6 text-center text-muted">
          {searching ? 'Searching…' : 'No results. Try another word or the start of one.'}
        </p>
      )}
      {failed && <ActionError>{failed}</ActionError>}
    </Dialog>
  );
}
