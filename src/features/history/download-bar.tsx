import { Button } from '#src/components/button.tsx';
import { ActionError } from '#src/components/states.tsx';
import { type HistoryFilter, isFiltered } from './history-filter.ts';
import { entryCount, useDownload } from './use-download.ts';

export interface DownloadBarProps {
  readonly organisation: string;
  readonly filter: HistoryFilter;
}

/** Downloads all entries that match the filter, with progress and a cancel button. */
export function DownloadBar({ organisation, filter }: DownloadBarProps) {
  const { running, problem, start, cancel } = useDownload(organisation, filter);
  return (
    <div className="flex flex-wrap items-center gap-x-3 gap-y-2">
      <Button onClick={() => start('csv')} pending={running?.format === 'csv'}>
        Download CSV
      </Button>
      <Button onClick={() => start('jsonl')} pending={running?.format === 'jsonl'}>
        Download JSON lines
      </Button>
      {running ? (
        <>
          <span className="text-muted tabular-nums">{entryCount(running.count)} so far…</span>
          <Button onClick={cancel}>Cancel</Button>
        </>
      ) : (
        <span className="text-muted">
          {isFiltered(filter) ? 'All entries that match the filter.' : 'The whole history.'}
        </span>
      )}
      {problem && (
        <div className="w-full">
          <ActionError>{problem}</ActionError>
        </div>
      )}
    </div>
  );
}
