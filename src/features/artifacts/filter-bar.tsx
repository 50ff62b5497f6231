import { useEffect, useId, useRef, useState } from 'react';
import { Button } from '#src/components/button.tsx';
import { Input, Select } from '#src/components/field.tsx';
import { ArtifactStatus } from '#src/gen/forest/v1/releases_pb.ts';
import { useIsWide } from '#src/lib/use-is-wide.ts';
import { type ArtifactFilters, filterLimits, moreFilters, statusChoices } from './artifact-filters.ts';

export interface FilterBarProps {
  readonly filters: ArtifactFilters;
  readonly onChange: (changed: Partial<ArtifactFilters>, how: 'chosen' | 'typing') => void;
  /** Undefined if no filter is set. */
  readonly onClear: (() => void) | undefined;
}

/** The filters of the releases, in one line. They are kept in the address, so that it can be shared. */
export function FilterBar({ filters, onChange, onClear }: FilterBarProps) {
  const isWide = useIsWide();
  const more = moreFilters(filters) + Number(!isWide && filters.status !== ArtifactStatus.UNSPECIFIED);
  const [isOpen, setIsOpen] = useState(more > 0);
  const id = useId();
  const status = (
    <Select
      aria-label="Status"
      className="sm:w-44"
      value={String(filters.status)}
      onChange={(event) => {
        const chosen = statusChoices.find((choice) => String(choice.status) === event.target.value);
        if (chosen) onChange({ status: chosen.status }, 'chosen');
      }}
    >
      {statusChoices.map((choice) => (
        <option key={choice.status} value={choice.status}>
          {choice.label}
        </option>
      ))}
    </Select>
  );
  return (
    <search aria-label="Filter releases" className="block border-b border-line px-4 py-2">
      <div className="flex flex-wrap items-center gap-2">
        <TypedFilter
          label="Search"
          placeholder="Search title, version or commit"
          className="min-w-0 flex-1 basis-32"
          value={filters.text}
          maxLength={filterLimits.text}
          onChange={(text, how) => onChange({ text }, how)}
        />
        {isWide && status}
        <Button aria-expanded={isOpen} aria-controls={id} onClick={() => setIsOpen(!isOpen)}>
          {isWide ? 'More filters' : 'Filters'}
          {more > 0 && (
            <span className="rounded bg-sunken px-1 text-xs tabular-nums">
              {more}
              <span className="sr-only"> set</span>
            </span>
          )}
        </Button>
        {onClear && (
          <Button variant="text" onClick={onClear}>
            Clear filters
          </Button>
        )}
      </div>
      <div id={id} hidden={!isOpen} className="mt-2 grid gap-2 sm:grid-cols-2">
        {!isWide && status}
        <TypedFilter
          label="Branch"
          placeholder="Branch"
          value={filters.branch}
          maxLength={filterLimits.branch}
          onChange={(branch, how) => onChange({ branch }, how)}
        />
        <TypedFilter
          label="Author"
          placeholder="Author"
          value={filters.author}
          maxLength={filterLimits.author}
          onChange={(author, how) => onChange({ author }, how)}
        />
      </div>
    </search>
  );
}

/** In milliseconds. */
const TYPING_PAUSE = 300;

interface TypedFilterProps {
  readonly label: string;
  readonly value: string;
  readonly maxLength: number;
  readonly placeholder?: string;
  readonly className?: string;
  readonly onChange: (value: string, how: 'chosen' | 'typing') => void;
}

/** A text filter, applied when typing pauses. Only the first change adds a step to the browser's history. */
function TypedFilter({ label, value, className, onChange, ...input }: TypedFilterProps) {
  const [typed, setTyped] = useState(value);
  const [shown, setShown] = useState(value);
  const [sent, setSent] = useState(value);
  const stepped = useRef(false);
  // Follows a change of the address by back, forward or clear, but not one that this field made.
  if (shown !== value) {
    setShown(value);
    if (value !== sent) setTyped(value);
  }
  const latest = useRef(onChange);
  useEffect(() => {
    latest.current = onChange;
  });
  useEffect(() => {
    const wanted = typed.trim();
    if (wanted === value) return;
    const timer = setTimeout(() => {
      setSent(wanted);
      latest.current(wanted, stepped.current ? 'typing' : 'chosen');
      stepped.current = true;
    }, TYPING_PAUSE);
    return () => clearTimeout(timer);
  }, [typed, value]);
  return (
    <Input
      {...input}
      aria-label={label}
      className={className ?? ''}
      type="search"
      value={typed}
      onChange={(event) => setTyped(event.target.value)}
      onBlur={() => {
        stepped.current = false;
      }}
    />
  );
}
