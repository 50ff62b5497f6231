import { useInfiniteQuery, useQuery } from '@connectrpc/connect-query';
import { type ReactNode, useId, useState } from 'react';
import { Button } from '#src/components/button.tsx';
import { Field, Input, Select } from '#src/components/field.tsx';
import { UserText } from '#src/components/user-text.tsx';
import { OrganisationService } from '#src/gen/forest/v1/organisations_pb.ts';
import type { HistoryEntry } from '#src/gen/forest/v1/policies_pb.ts';
import { ReleaseService } from '#src/gen/forest/v1/releases_pb.ts';
import { MAX_PAGE_SIZE, paged } from '#src/lib/paged.ts';
import { useSession } from '#src/lib/session.ts';
import { kindGroups, kindLabel, SIGN_INS } from './event-kinds.ts';
import { ALL_KINDS, type HistoryFilter, isFiltered, noFilter } from './history-filter.ts';

export interface HistoryFiltersProps {
  readonly organisation: string;
  readonly filter: HistoryFilter;
  /** The entries shown, for the names of former members. */
  readonly entries: readonly HistoryEntry[];
  readonly onChange: (filter: HistoryFilter) => void;
}

/** Filters by kind and project, and behind **More filters** by person and days; applied immediately. */
export function HistoryFilters({ organisation, filter, entries, onChange }: HistoryFiltersProps) {
  const projects = useProjects(organisation);
  const people = usePeople(organisation, entries);
  const moreId = useId();
  const more = [filter.person, filter.from, filter.to].filter(Boolean).length;
  const [open, setOpen] = useState(more > 0);
  const set = (change: Partial<HistoryFilter>) => onChange({ ...filter, ...change });
  return (
    <search aria-label="History" className="flex flex-col gap-3 print:hidden">
      <div className="flex flex-wrap items-end gap-3">
        <Choice label="Kind" value={filter.kind} onChange={(kind) => set({ kind })}>
          <option value="">All but sign-ins</option>
          <option value={ALL_KINDS}>Everything</option>
          {kindGroups.map(({ id, label, kinds }) => (
            <optgroup key={id} label={label}>
              <option value={id}>{`All ${id === SIGN_INS ? 'sign-ins' : label.toLowerCase()}`}</option>
              {kinds.map((kind) => (
                <option key={kind} value={kind}>
                  {kindLabel(kind)}
                </option>
              ))}
            </optgroup>
          ))}
        </Choice>
        <Choice label="Project" value={filter.project} onChange={(project) => set({ project })}>
          <option value="">All projects</option>
          {filter.project && !projects.includes(filter.project) && <option>{filter.project}</option>}
          {projects.map((name) => (
            <option key={name}>{name}</option>
          ))}
        </Choice>
        <Button aria-expanded={open} aria-controls={open ? moreId : undefined} onClick={() => setOpen(!open)}>
          {more > 0 ? `More filters (${more})` : 'More filters'}
        </Button>
        {isFiltered(filter) && (
          <Button variant="text" onClick={() => onChange(noFilter)}>
            Clear filters
          </Button>
        )}
      </div>
      {filter.subject && (
        <p className="text-muted wrap-anywhere">
          Only entries about <UserText>{`“${filter.subject}”`}</UserText>.
        </p>
      )}
      {open && (
        <div id={moreId} className="flex flex-wrap items-end gap-3">
          <Choice label="Person" value={filter.person} onChange={(person) => set({ person })}>
            <option value="">Everyone</option>
            {filter.person && !people.some(({ id }) => id === filter.person) && (
              <option value={filter.person}>former member</option>
            )}
            {people.map(({ id, name }) => (
              <option key={id} value={id}>
                {name}
              </option>
            ))}
          </Choice>
          <Day label="From" value={filter.from} onChange={(from) => set({ from })} />
          <Day label="To" value={filter.to} onChange={(to) => set({ to })} />
        </div>
      )}
    </search>
  );
}

interface ControlProps {
  readonly label: string;
  readonly value: string;
  readonly onChange: (value: string) => void;
}

function Day({ label, value, onChange }: ControlProps) {
  return (
    <Field label={label} className="min-w-0 flex-1 basis-36 sm:max-w-40">
      {(control) => (
        <Input {...control} type="date" value={value} onChange={(event) => onChange(event.target.value)} />
      )}
    </Field>
  );
}

/** A select; its children are the options. */
function Choice({ label, value, onChange, children }: ControlProps & { readonly children: ReactNode }) {
  return (
    <Field label={label} className="min-w-0 flex-1 basis-36 sm:max-w-64">
      {(control) => (
        <Select {...control} value={value} onChange={(event) => onChange(event.target.value)}>
          {children}
        </Select>
      )}
    </Field>
  );
}

function useProjects(organisation: string): readonly string[] {
  const query = useQuery(ReleaseService.method.getProjects, {
    query: { case: 'organisation', value: { organisation } },
    pageSize: MAX_PAGE_SIZE,
  });
  return query.data?.projects ?? [];
}

/** The organisation's members and the actors of the entries shown, by name. */
function usePeople(organisation: string, entries: readonly HistoryEntry[]) {
  const membership = useSession()?.memberships.find((each) => each.organisation === organisation);
  const query = useInfiniteQuery(
    OrganisationService.method.listMembers,
    { organisationId: membership?.organisationId ?? '', pageSize: MAX_PAGE_SIZE, pageToken: '' },
    { ...paged, enabled: membership !== undefined },
  );
  const names = new Map<string, string>();
  for (const { actorUserId, actorUsername } of entries)
    if (actorUserId) names.set(actorUserId, actorUsername);
  for (const page of query.data?.pages ?? []) {
    for (const { userId, username } of page.members) names.set(userId, username);
  }
  return [...names].map(([id, name]) => ({ id, name })).sort((a, b) => a.name.localeCompare(b.name));
}
