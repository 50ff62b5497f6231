import { useInfiniteQuery, useQuery } from '@connectrpc/connect-query';
import { Button } from '#src/components/button.tsx';
import { Field, Input, Select } from '#src/components/field.tsx';
import { OrganisationService } from '#src/gen/forest/v1/organisations_pb.ts';
import type { HistoryEntry } from '#src/gen/forest/v1/policies_pb.ts';
import { ReleaseService } from '#src/gen/forest/v1/releases_pb.ts';
import { MAX_PAGE_SIZE, paged } from '#src/lib/paged.ts';
import { useSession } from '#src/lib/session.ts';
import { isKnownKind, kindGroups, kindLabel } from './event-kinds.ts';
import { type HistoryFilter, isFiltered, noFilter } from './history-filter.ts';

export interface HistoryFiltersProps {
  readonly organisation: string;
  readonly filter: HistoryFilter;
  /** The entries shown, for the names of former members. */
  readonly entries: readonly HistoryEntry[];
  readonly onChange: (filter: HistoryFilter) => void;
}

/** Filters by project, kind, person and days, applied immediately. */
export function HistoryFilters({ organisation, filter, entries, onChange }: HistoryFiltersProps) {
  const projects = useProjects(organisation);
  const people = usePeople(organisation, entries);
  const set = (change: Partial<HistoryFilter>) => onChange({ ...filter, ...change });
  return (
    <search aria-label="History" className="flex flex-wrap items-end gap-3">
      <Choice
        label="Project"
        all="All projects"
        value={filter.project}
        choices={projects.map((name) => ({ value: name, label: name }))}
        onChange={(project) => set({ project })}
      />
      <Field label="Kind" className="min-w-0 flex-1 basis-40">
        {(control) => (
          <Select {...control} value={filter.kind} onChange={(event) => set({ kind: event.target.value })}>
            <option value="">Everything</option>
            {filter.kind && !isKnownKind(filter.kind) && <option>{filter.kind}</option>}
            {kindGroups.map(({ noun, kinds }) => (
              <optgroup key={noun} label={noun}>
                {kinds.map((kind) => (
                  <option key={kind} value={kind}>
                    {`${noun} ${kindLabel(kind)}`}
                  </option>
                ))}
              </optgroup>
            ))}
          </Select>
        )}
      </Field>
      <Choice
        label="Person"
        all="Everyone"
        value={filter.person}
        choices={people}
        unknown="former member"
        onChange={(person) => set({ person })}
      />
      <Day label="From" value={filter.from} onChange={(from) => set({ from })} />
      <Day label="To" value={filter.to} onChange={(to) => set({ to })} />
      {isFiltered(filter) && <Button onClick={() => onChange(noFilter)}>Clear filters</Button>}
    </search>
  );
}

function Day(props: { label: string; value: string; onChange: (value: string) => void }) {
  const { label, value, onChange } = props;
  return (
    <Field label={label} className="min-w-0 flex-1 basis-36 sm:max-w-40">
      {(control) => (
        <Input {...control} type="date" value={value} onChange={(event) => onChange(event.target.value)} />
      )}
    </Field>
  );
}

interface ChoiceProps {
  readonly label: string;
  readonly all: string;
  readonly value: string;
  readonly choices: readonly { readonly value: string; readonly label: string }[];
  /** The label of a value that is not among the choices. */
  readonly unknown?: string;
  readonly onChange: (value: string) => void;
}

function Choice({ label, all, value, choices, unknown, onChange }: ChoiceProps) {
  const known = value === '' || choices.some((each) => each.value === value);
  return (
    <Field label={label} className="min-w-0 flex-1 basis-40">
      {(control) => (
        <Select {...control} value={value} onChange={(event) => onChange(event.target.value)}>
          <option value="">{all}</option>
          {!known && <option value={value}>{unknown ?? value}</option>}
          {choices.map((each) => (
            <option key={each.value} value={each.value}>
              {each.label}
            </option>
          ))}
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
  return [...names]
    .map(([value, label]) => ({ value, label }))
    .sort((a, b) => a.label.localeCompare(b.label));
}
