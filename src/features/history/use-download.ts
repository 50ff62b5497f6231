import { callUnaryMethod, useTransport } from '@connectrpc/connect-query';
import { useEffect, useRef, useState } from 'react';
import { announce } from '#src/components/toast.tsx';
import { PolicyService } from '#src/gen/forest/v1/policies_pb.ts';
import { describeError } from '#src/lib/errors.ts';
import { allOfThem } from '#src/lib/page-sizes.ts';
import type { HistoryFilter } from './history-filter.ts';
import { historyInput } from './queries.ts';

export type Format = 'csv' | 'jsonl';

const mediaTypes: Readonly<Record<Format, string>> = {
  csv: 'text/csv;charset=utf-8',
  jsonl: 'application/x-ndjson',
};

export interface Download {
  /** What is being fetched, and how many entries there are so far; null when nothing is. */
  readonly running: { readonly format: Format; readonly count: number } | null;
  /** Why the last one failed; empty when it did not. */
  readonly problem: string;
  readonly start: (format: Format) => void;
  readonly cancel: () => void;
}

/**
 * Fetches all of the history that a filter matches, page by page, and gives it to the browser as a file. Nothing is saved
 * when a page fails or somebody cancels: half a history would look like a whole one.
 */
export function useDownload(organisation: string, filter: HistoryFilter): Download {
  const transport = useTransport();
  const [running, setRunning] = useState<Download['running']>(null);
  const [problem, setProblem] = useState('');
  const abort = useRef<AbortController | null>(null);
  useEffect(() => () => abort.current?.abort(), []);

  const fetchAll = async (format: Format, signal: AbortSignal): Promise<number> => {
    // The CSV library is needed by few: it comes with the first download.
    const { csvHead, csvLines, jsonLines } = await import('./history-files.ts');
    const parts: string[] = format === 'csv' ? [csvHead] : [];
    let count = 0;
    let pageToken = '';
    do {
      const page = await callUnaryMethod(
        transport,
        PolicyService.method.listHistory,
        { ...historyInput(organisation, filter), pageSize: allOfThem, pageToken },
        { signal },
      );
      signal.throwIfAborted();
      parts.push(format === 'csv' ? csvLines(page.entries) : jsonLines(page.entries));
      count += page.entries.length;
      setRunning({ format, count });
      pageToken = page.nextPageToken;
    } while (pageToken !== '');
    save(new Blob(parts, { type: mediaTypes[format] }), `${organisation}-history.${format}`);
    return count;
  };

  const start = (format: Format) => {
    if (running) return;
    const controller = new AbortController();
    abort.current = controller;
    setProblem('');
    setRunning({ format, count: 0 });
    fetchAll(format, controller.signal).then(
      (count) => {
        setRunning(null);
        announce(`${inEntries(count)} downloaded.`);
      },
      (error) => {
        setRunning(null);
        if (controller.signal.aborted) return;
        setProblem(`The history was not downloaded. ${describeError(error).message}`);
      },
    );
  };
  const cancel = () => {
    abort.current?.abort();
    announce('Download cancelled. Nothing was saved.');
  };
  return { running, problem, start, cancel };
}

/** A number of entries in words. */
export function inEntries(count: number): string {
  return count === 1 ? '1 entry' : `${count.toLocaleString('en')} entries`;
}

function save(file: Blob, name: string): void {
  const address = URL.createObjectURL(file);
  const link = document.createElement('a');
  link.href = address;
  link.download = name;
  link.click();
  // The browser has taken the file by then; at once would be too early for some.
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}
