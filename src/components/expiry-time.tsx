import { expiryTime } from '#src/lib/expiry-words.ts';
import { type TimeProps, WordedTime } from './relative-time.tsx';

/** When something expires, as `28 Feb 2027`, or as a time when it is near, with the exact local time as its title. */
export const ExpiryTime = (props: TimeProps) => <WordedTime {...props} words={expiryTime} />;
