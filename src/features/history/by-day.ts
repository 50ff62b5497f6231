import type { HistoryEntry } from '#src/gen/forest/v1/policies_pb.ts';

export interface Day {
  /** In local time: `Tuesday 24 November 2026`. */
  readonly title: string;
  readonly entries: readonly HistoryEntry[];
}

const weekday = new Intl.DateTimeFormat('en-GB', { weekday: 'long' });
const date = new Intl.DateTimeFormat('en-GB', { dateStyle: 'long' });

/** Entries, newest first, by their local day. */
export function byDay(entries: readonly HistoryEntry[]): readonly Day[] {
  const days = Map.groupBy(entries, ({ at }) => {
    const time = new Date(at);
    return `${weekday.format(time)} ${date.format(time)}`;
  });
  return [...days].map(([title, own]) => ({ title, entries: own }));
}
