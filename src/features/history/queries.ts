import { type HistoryFilter, wireFilter } from './history-filter.ts';

/** The first page of an organisation's history; the loader and the list ask the same. */
export function historyInput(organisation: string, filter: HistoryFilter) {
  return { ...wireFilter(filter), organisation, pageToken: '' };
}
