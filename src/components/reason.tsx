import { serverNow } from '#src/lib/clock.ts';
import { exactTime, shortEnd, timeOf } from '#src/lib/time-words.ts';
import { UserText } from './user-text.tsx';

/** The timestamps that the server writes into a reason: RFC 3339 in UTC. */
const TIMESTAMP = /(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?Z)/;

/** The server's reason for a wait, with its timestamps as short local times. */
export function Reason({ children }: { readonly children: string }) {
  return children.split(TIMESTAMP).map((part, index) => {
    const time = TIMESTAMP.test(part) ? timeOf(part) : undefined;
    const key = `${index}/${part}`;
    if (!time) return <UserText key={key}>{part}</UserText>;
    return (
      <time key={key} dateTime={part} title={exactTime(time)}>
        {shortEnd(time, serverNow())}
      </time>
    );
  });
}
