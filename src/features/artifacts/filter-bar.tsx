import { useEffect, useRef, useState } from 'react';
import { Button } from '#src/components/button.tsx';
import { Field, Input, Select } from '#src/components/field.tsx';
import { type ArtifactFilters, filterLimits, statusChoices } from './artifact-filters.ts';

export interface FilterBarProps {
  readonly filters: ArtifactFilters;
  readonly onChange: (changed: Partial<ArtifactFilters>, how: 'chosen' | 'typing') => void;
  /** Undefined if no filter is set. */
  readonly onClear: (() => void) | undefined;
}

/** The filters of the releases. They are kept in the address, so that it can be shared. */
export function FilterBar({ filters, onChange, onClear }: FilterBarProps) {
  return (
    <search
      aria-label="Filter releases"
      className="grid grid-cols-2 gap-x-3 gap-y-2 border-b border-line px-4 py-3 lg:grid-cols-[minmax(0,2fr)_repeat(3,minmax(0,1fr))_auto]"
    >
      <TypedFilter
        label="Search"
        placeholder="Title, slug, commit or version"
        className="max-lg:col-span-2"
        value={filters.text}
        maxLength={filterLimits.text}
        onChange={(text, how) => onChange({ text }, how)}
      />
      <Field label="Status">
        {(control) => (
          <Select
            {...control}
            value={String(filters.status)}
            onChange={(event) => {
              const chosen = statusChoices.find(({ status }) => String(status) === event.target.value);
              if (chosen) onChange({ status: chosen.status }, 'chosen');
            }}
          >
            {statusChoices.map(({ status, label }) => (
              <option key={status} value={status}>
                {label}
              </option>
            ))}
          </Select>
        )}
      </Field>
      <TypedFilter
        label="Branch"
        value={filters.branch}
        maxLength={filterLimits.branch}
        onChange={(branch, how) => onChange({ branch }, how)}
      />
      <TypedFilter
        label="Author"
        value={filters.author}
        maxLength={filterLimits.author}
        onChange={(author, how) => onChange({ author }, how)}
      />
      <div className="flex items-end">
        <Button onClick={onClear} disabled={!onClear}>
          Clear filters
        </Button>
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
    <Field label={label} className={className ?? ''}>
      {(control) => (
        <Input
          {...control}
          {...input}
          type="search"
          value={typed}
          onChange={(event) => setTyped(event.target.value)}
          onBlur={() => {
            stepped.current = false;
          }}
        />
      )}
    </Field>
  );
}
