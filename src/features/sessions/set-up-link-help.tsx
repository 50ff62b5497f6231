import { CodeBlock } from '#src/components/code-block.tsx';

/** As docs/operations.md has them. */
const commands = [
  {
    where: 'Compose',
    text: "docker compose up -d --no-deps --force-recreate --wait forage-1 && docker compose logs forage-1 | grep 'Set up'",
  },
  {
    where: 'systemd',
    text: "sudo systemctl restart forage && sleep 10 && sudo journalctl -u forage | grep 'Set up' | tail -1",
  },
] as const;

/** Where the setup link of an empty server is found. */
export function SetUpLinkHelp() {
  return (
    <div className="flex flex-col gap-3">
      <p>
        Each start of the server prints a new link, in the line that begins with{' '}
        <code className="font-mono">Set up Forage:</code>. With <code className="font-mono">npm start</code>{' '}
        it is in that terminal. Elsewhere, restart the server and read its log:
      </p>
      {commands.map(({ where, text }) => (
        <div key={where} className="flex flex-col gap-1">
          <h2 className="text-xs font-medium text-muted">{where}</h2>
          <CodeBlock text={text} label={`Copy command for ${where}`} />
        </div>
      ))}
    </div>
  );
}
