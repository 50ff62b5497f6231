import { Checkbox } from '#src/components/checkbox.tsx';
import { Dialog } from '#src/components/dialog.tsx';
import { KeyCap } from '#src/components/key-cap.tsx';
import { switchSingleKeys, useSingleKeysOn } from '#src/lib/single-keys.ts';

const groups: readonly {
  readonly title: string;
  readonly keys: readonly { readonly caps: readonly string[]; readonly action: string }[];
}[] = [
  {
    title: 'Everywhere',
    keys: [
      { caps: ['Ctrl', 'K'], action: 'Go to a project, release or screen (Cmd K on a Mac)' },
      { caps: ['?'], action: 'Show keyboard shortcuts' },
    ],
  },
  {
    title: 'Release',
    keys: [
      { caps: ['c'], action: 'Go to Comment' },
      { caps: ['l'], action: 'Open the logs' },
      { caps: ['u'], action: 'Go back to the releases' },
    ],
  },
  {
    title: 'Waiting for you',
    keys: [
      { caps: ['j'], action: 'Next item' },
      { caps: ['k'], action: 'Previous item' },
      { caps: ['Enter'], action: 'Open the release' },
      { caps: ['o'], action: 'Open the item in the list, or close it' },
      { caps: ['a'], action: 'Go to Approve, or approve the selected items' },
      { caps: ['r'], action: 'Go to Reject, or reject the selected items' },
      { caps: ['x'], action: 'Select the item, to vote on several at once' },
    ],
  },
];

/** The open dialog with the keyboard shortcuts. */
export function KeyboardHelpBody({ onOpenChange }: { readonly onOpenChange: (open: boolean) => void }) {
  const on = useSingleKeysOn();
  return (
    <Dialog
      open
      onOpenChange={onOpenChange}
      title="Keyboard shortcuts"
      description="Shortcuts are off while you type. No shortcut submits a vote."
    >
      <div className="flex flex-col gap-4">
        {groups.map(({ title, keys }) => (
          <section key={title}>
            <h3 className="mb-1 text-sm font-semibold">{title}</h3>
            <dl className="grid grid-cols-[5rem_minmax(0,1fr)] items-baseline gap-x-3 gap-y-1.5">
              {keys.map(({ caps, action }) => (
                <div key={action} className="contents">
                  <dt className="flex gap-1">
                    {caps.map((cap) => (
                      <KeyCap key={cap}>{cap}</KeyCap>
                    ))}
                  </dt>
                  <dd>{action}</dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
        <Checkbox
          label="Enable single-key shortcuts"
          hint="Turn them off if you use dictation or press keys by accident. Saved in this browser."
          checked={on}
          onChange={(event) => switchSingleKeys(event.target.checked)}
        />
      </div>
    </Dialog>
  );
}
