import { useDeferredValue, useMemo, useState } from 'react';
import { Badge } from '#src/components/badge.tsx';
import { Button } from '#src/components/button.tsx';
import { Dialog } from '#src/components/dialog.tsx';
import { Field, Input, Select } from '#src/components/field.tsx';
import { StaleBar } from '#src/components/stale-bar.tsx';
import { Empty, Failed, Loading } from '#src/components/states.tsx';
import { ReleaseStatus, type ReleaseStepState } from '#src/gen/forest/v1/releases_pb.ts';
import { describeError } from '#src/lib/errors.ts';
import { staleSince } from '#src/lib/polling.ts';
import { saveFile } from '#src/lib/save-file.ts';
import { visibleText } from '#src/lib/visible-text.ts';
import { LogLines } from './log-lines.tsx';
import { lineCount, logText, matchingLines, searchPattern } from './log-text.ts';
import { stepLabel } from './step-label.ts';
import { useLog } from './use-log.ts';

export interface LogDialogProps {
  /** Such as `Logs of staging`. */
  readonly title: string;
  /** The deliveries of a stage, one per destination; at least one. */
  readonly steps: readonly ReleaseStepState[];
  readonly slug: string;
  readonly onClose: () => void;
}

/** The logs of a stage, one destination at a time: live while it runs, searchable, and to download. Mounted while open. */
export function LogDialog({ title, steps, slug, onClose }: LogDialogProps) {
  const [chosen, setChosen] = useState(() => firstToRead(steps)?.releaseId);
  const step = steps.find(({ releaseId }) => releaseId === chosen) ?? steps[0];
  const [search, setSearch] = useState('');
  return (
    <Dialog open wide onOpenChange={(open) => !open && onClose()} title={title}>
      <div className="flex flex-col gap-3">
        <div className="flex flex-wrap items-end gap-x-4 gap-y-2">
          {steps.length > 1 && (
            <Field label="Destination" className="max-w-full sm:max-w-64">
              {(control) => (
                <Select
                  {...control}
                  value={step?.releaseId}
                  onChange={(event) => setChosen(event.target.value)}
                >
                  {steps.map((one) => (
                    <option key={one.releaseId} value={one.releaseId}>
                      {visibleText(`${one.destinationName}: ${stepLabel(one).label}`)}
                    </option>
                  ))}
                </Select>
              )}
            </Field>
          )}
          <Field label="Search the log" className="min-w-0 flex-1 basis-48">
            {(control) => (
              <Input
                {...control}
                type="search"
                value={search}
                onChange={(event) => setSearch(event.target.value)}
              />
            )}
          </Field>
        </div>
        {/* By key, so that each log is followed from its own end. */}
        {step && <LogBody key={step.releaseId} step={step} slug={slug} search={search} />}
      </div>
    </Dialog>
  );
}

/** Of several destinations the one that failed, else one that is at work. */
function firstToRead(steps: readonly ReleaseStepState[]): ReleaseStepState | undefined {
  const has = (...codes: ReleaseStatus[]) => steps.find(({ statusCode }) => codes.includes(statusCode));
  return (
    has(ReleaseStatus.FAILED, ReleaseStatus.TIMED_OUT) ??
    has(ReleaseStatus.RUNNING, ReleaseStatus.ASSIGNED) ??
    steps[0]
  );
}

interface LogBodyProps {
  readonly step: ReleaseStepState;
  readonly slug: string;
  readonly search: string;
}

function LogBody({ step, slug, search }: LogBodyProps) {
  const query = useLog(step.releaseId);
  const log = query.data;
  const wanted = useDeferredValue(search);
  const pattern = useMemo(() => searchPattern(wanted), [wanted]);
  const shown = useMemo(() => matchingLines(log?.lines ?? [], pattern), [log?.lines, pattern]);
  const { label, tone } = stepLabel(step);
  if (!log) {
    if (!query.isError) return <Loading label="Loading the log…" />;
    return (
      <Failed
        title="Couldn't load the log"
        message={describeError(query.error).message}
        onRetry={() => query.refetch()}
        retrying={query.isFetching}
      />
    );
  }
  const download = () =>
    saveFile(
      new Blob([logText(log.lines)], { type: 'text/plain;charset=utf-8' }),
      `${slug}-${step.destinationName}-log.txt`,
    );
  return (
    <>
      {log.lines.length === 0 ? (
        log.complete ? (
          <Empty title="No log">The destination wrote no lines.</Empty>
        ) : (
          <Empty title="No lines yet">Lines appear here when the destination writes them.</Empty>
        )
      ) : (
        <LogLines label={`Log of ${step.destinationName}`} lines={shown} pattern={pattern} />
      )}
      <div className="flex min-h-8 flex-wrap items-center gap-x-3 gap-y-2 text-sm">
        <Badge tone={tone}>{label}</Badge>
        <span className="text-muted tabular-nums">
          {log.more ? `${lineCount(log.lines.length)} so far…` : lineCount(log.lines.length)}
          {!log.complete && !log.more && ' · live'}
        </span>
        <span role="status" className="text-muted tabular-nums">
          {pattern && `${shown.length.toLocaleString('en-GB')} of them match`}
        </span>
        {log.lines.length > 0 && (
          <Button className="ml-auto" pending={log.more} onClick={download}>
            Download
          </Button>
        )}
      </div>
      <StaleBar since={staleSince(query)} onRetry={() => query.refetch()} />
    </>
  );
}
