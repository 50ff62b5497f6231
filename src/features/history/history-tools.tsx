import type { ReactNode } from 'react';
import { Button } from '#src/components/button.tsx';
import { ActionError } from '#src/components/states.tsx';
import { useChainCheck } from './chain-check.tsx';
import { ALL_KINDS, type HistoryFilter, isFiltered } from './history-filter.ts';
import { entryCount, useDownload } from './use-download.ts';

export interface HistoryTools {
  /** For the header of the list. */
  readonly buttons: ReactNode;
  /** Progress and results, above the list. */
  readonly results: ReactNode;
}

/** For admins: **Verify history**, and downloads of all entries that match the filter. */
export function useHistoryTools(organisation: string, filter: HistoryFilter): HistoryTools {
  // Without a filter the whole chain, which can be verified; the list leaves out sign-ins.
  const downloaded = isFiltered(filter) ? filter : { ...filter, kind: ALL_KINDS };
  const { running, problem, start, cancel } = useDownload(organisation, downloaded);
  const { checking, check, result } = useChainCheck(organisation);
  return {
    buttons: (
      <>
        <Button onClick={check} pending={checking}>
          Verify history
        </Button>
        <Button onClick={() => start('csv')} pending={running?.format === 'csv'}>
          Download CSV
        </Button>
        <Button onClick={() => start('jsonl')} pending={running?.format === 'jsonl'}>
          Download JSON lines
        </Button>
      </>
    ),
    results: (
      <div className="[&>:not(:empty)]:border-b [&>:not(:empty)]:border-line [&>:not(:empty)]:px-4 [&>:not(:empty)]:py-2.5 print:hidden">
        {result}
        {running && (
          <div className="flex flex-wrap items-center gap-3">
            <span className="text-muted tabular-nums">
              {`${isFiltered(filter) ? 'Downloading all matching entries' : 'Downloading the whole history'}: ${entryCount(running.count)} so far…`}
            </span>
            <Button onClick={cancel}>Cancel</Button>
          </div>
        )}
        {problem && <ActionError>{problem}</ActionError>}
      </div>
    ),
  };
}
