import { Button } from '#src/components/button.tsx';
import { ActionError } from '#src/components/states.tsx';
import { type HistoryFilter, isFiltered } from './history-filter.ts';
import { inEntries, useDownload } from './use-download.ts';

export interface DownloadBarProps {
  readonly organisation: string;
  readonly filter: HistoryFilter;
}

/** Buttons that save what the filter matches, all of it, with how far that is and a way to stop it. */
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
          <span className="text-muted tabular-nums">{inEntries(running.count)} so far…</span>
          <Button onClick={cancel}>Cancel</Button>
        </>
      ) : (
        <span className="text-muted">
          {isFiltered(filter) ? 'All that the filter matches.' : 'The whole history.'}
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
