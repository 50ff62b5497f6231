import { UserText } from './user-text.tsx';

/** The timestamps that the server writes into a reason: RFC 3339 in UTC. */
const TIMESTAMP = /(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?Z)/;

/** The server's reason for a wait, with its timestamps in local time. */
export function Reason({ children }: { readonly children: string }) {
  return children.split(TIMESTAMP).map((part, index) => {
    // Rounded up to the second as on the server, so that a wait is over by the time shown.
    const time = TIMESTAMP.test(part) ? new Date(Math.ceil(Date.parse(part) / 1_000) * 1_000) : null;
    const key = `${index}/${part}`;
    if (!time || Number.isNaN(time.getTime())) return <UserText key={key}>{part}</UserText>;
    return (
      <time key={key} dateTime={part} title={part}>
        {localTime(time, new Date())}
      </time>
    );
  });
}

/** The time of day, with the date unless it is today. */
function localTime(time: Date, now: Date): string {
  const hours = { hour: '2-digit', minute: '2-digit', second: '2-digit' } as const;
  if (time.toDateString() === now.toDateString()) return time.toLocaleTimeString(undefined, hours);
  return time.toLocaleString(undefined, { day: 'numeric', month: 'short', ...hours });
}
