import type { HistoryEntry } from '#src/gen/forest/v1/policies_pb.ts';

/** By what somebody had shown who they are. */
const credentials: Readonly<Record<string, string>> = {
  session: 'a browser session',
  access: 'a login',
  refresh: 'a login',
  personal: 'an access token',
  service: "a service account's token",
  password: 'a password',
  provider: 'a provider',
  report: "a destination's report",
  command: 'a command on the server',
};

/** What stands behind an entry: by what and from where it was done, the request, and its place in the chain. */
export function EntryProof({ entry }: { readonly entry: HistoryEntry }) {
  const { credentialKind, address, requestId, sequence, hash, at } = entry;
  const facts: [name: string, value: string][] = [
    ...(credentialKind ? [['by', credentials[credentialKind] ?? credentialKind] as [string, string]] : []),
    ...(address ? [['from', address] as [string, string]] : []),
    ...(requestId ? [['request', requestId] as [string, string]] : []),
    ['at', at],
    ['entry', String(sequence)],
    ['hash', hash],
  ];
  return (
    <ul aria-label="Proof" className="flex w-full flex-wrap gap-x-4 gap-y-1 text-xs text-muted">
      {facts.map(([name, value]) => (
        <li key={name} className="min-w-0 wrap-anywhere">
          {name} <bdi className={name === 'by' ? undefined : 'font-mono'}>{value}</bdi>
        </li>
      ))}
    </ul>
  );
}
