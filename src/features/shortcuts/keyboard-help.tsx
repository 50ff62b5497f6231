import { Checkbox } from '#src/components/checkbox.tsx';
import { Dialog } from '#src/components/dialog.tsx';
import { KeyCap } from '#src/components/key-cap.tsx';
import { switchSingleKeys, useShortcuts, useSingleKeysOn } from '#src/lib/shortcuts.ts';
import { showKeys, useKeysOpen } from './help-open.ts';

const groups: readonly {
  readonly title: string;
  readonly keys: readonly { readonly caps: readonly string[]; readonly words: string }[];
}[] = [
  {
    title: 'Everywhere',
    keys: [
      { caps: ['Ctrl', 'K'], words: 'Go to a project, release or screen (on a Mac: Cmd K)' },
      { caps: ['?'], words: 'Show these keys' },
    ],
  },
  {
    title: 'Waiting for you',
    keys: [
      { caps: ['j'], words: 'Next line' },
      { caps: ['k'], words: 'Line before' },
      { caps: ['Enter'], words: 'Open the release' },
      { caps: ['a'], words: 'Approve, after a comment' },
      { caps: ['r'], words: 'Reject, after a comment' },
      { caps: ['x'], words: 'Tick the line, to vote on several at once' },
    ],
  },
];

/** The keys that the dashboard knows, opened by `?`; once per page. */
export function KeyboardHelp() {
  const open = useKeysOpen();
  const on = useSingleKeysOn();
  useShortcuts({ '?': { run: () => showKeys() } });
  return (
    <Dialog
      open={open}
      onOpenChange={showKeys}
      title="Keyboard shortcuts"
      description="They do nothing while you type, and none of them votes by itself."
    >
      <div className="flex flex-col gap-4">
        {groups.map(({ title, keys }) => (
          <section key={title}>
            <h3 className="mb-1 text-sm font-semibold">{title}</h3>
            <dl className="grid grid-cols-[5rem_minmax(0,1fr)] items-baseline gap-x-3 gap-y-1.5">
              {keys.map(({ caps, words }) => (
                <div key={words} className="contents">
                  <dt className="flex gap-1">
                    {caps.map((cap) => (
                      <KeyCap key={cap}>{cap}</KeyCap>
                    ))}
                  </dt>
                  <dd>{words}</dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
        <Checkbox
          label="Single keys act"
          hint="Switch them off if you dictate, or if keys are pressed by accident. Kept in this browser."
          checked={on}
          onChange={(event) => switchSingleKeys(event.target.checked)}
        />
      </div>
    </Dialog>
  );
}
