import { Fragment } from 'react';

/** The moments that the server writes into a reason: RFC 3339 in UTC. */
const moment = /(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?Z)/;

/** The server's words for why something waits, with its moments as the reader's clock shows them. */
export function Reason({ children }: { readonly children: string }) {
  return children.split(moment).map((part, index) => {
    // To the second and rounded up, as the server words them: what ends "at" it has ended then.
    const time = moment.test(part) ? new Date(Math.ceil(Date.parse(part) / 1_000) * 1_000) : null;
    const key = `${index}/${part}`;
    if (!time || Number.isNaN(time.getTime())) return <Fragment key={key}>{part}</Fragment>;
    return (
      <time key={key} dateTime={part} title={part}>
        {localWords(time, new Date())}
      </time>
    );
  });
}

/** The time of day, and the date as well unless it is today's. */
function localWords(time: Date, now: Date): string {
  const hours = { hour: '2-digit', minute: '2-digit', second: '2-digit' } as const;
  if (time.toDateString() === now.toDateString()) return time.toLocaleTimeString(undefined, hours);
  return time.toLocaleString(undefined, { day: 'numeric', month: 'short', ...hours });
}
