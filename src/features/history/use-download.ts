import { createClient } from '@connectrpc/connect';
import { useTransport } from '@connectrpc/connect-query';
import { useEffect, useRef, useState } from 'react';
import { announce } from '#src/components/toast.tsx';
import { HistoryFormat, PolicyService } from '#src/gen/forest/v1/policies_pb.ts';
import { describeError } from '#src/lib/errors.ts';
import { saveFile } from '#src/lib/save-file.ts';
import { type HistoryFilter, wireFilter } from './history-filter.ts';

export type Format = 'csv' | 'jsonl';

const formats: Readonly<Record<Format, { readonly wire: HistoryFormat; readonly mediaType: string }>> = {
  csv: { wire: HistoryFormat.CSV, mediaType: 'text/csv;charset=utf-8' },
  jsonl: { wire: HistoryFormat.JSON_LINES, mediaType: 'application/x-ndjson' },
};

export interface Download {
  /** The download in progress, with the number of entries so far. */
  readonly running: { readonly format: Format; readonly count: number } | null;
  /** Why the last download failed, or empty. */
  readonly problem: string;
  readonly start: (format: Format) => void;
  readonly cancel: () => void;
}

/**
 * Fetches all entries that match a filter and saves them as a file. An interrupted or cancelled download saves nothing,
 * because a partial history would look complete.
 */
export function useDownload(organisation: string, filter: HistoryFilter): Download {
  const transport = useTransport();
  const [running, setRunning] = useState<Download['running']>(null);
  const [problem, setProblem] = useState('');
  const abort = useRef<AbortController | null>(null);
  useEffect(() => () => abort.current?.abort(), []);

  const fetchAll = async (format: Format, signal: AbortSignal): Promise<number> => {
    const { wire, mediaType } = formats[format];
    const request = { ...wireFilter(filter), organisation, format: wire };
    const parts: Blob[] = [];
    let count = 0;
    for await (const { piece, entries } of createClient(PolicyService, transport).exportHistory(request, {
      signal,
    })) {
      // The browser may keep blobs outside of memory.
      parts.push(new Blob([new Uint8Array(piece)]));
      count = Number(entries);
      setRunning({ format, count });
    }
    signal.throwIfAborted();
    saveFile(new Blob(parts, { type: mediaType }), `${organisation}-history.${format}`);
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
        announce(`${entryCount(count)} downloaded`);
      },
      (error) => {
        setRunning(null);
        if (controller.signal.aborted) return;
        setProblem(`Couldn't download the history. ${describeError(error).message}`);
      },
    );
  };
  const cancel = () => {
    abort.current?.abort();
    announce('Download cancelled. Nothing was saved.');
  };
  return { running, problem, start, cancel };
}

/** "1 entry", "1,234 entries". */
export function entryCount(count: number): string {
  return count === 1 ? '1 entry' : `${count.toLocaleString('en')} entries`;
}
