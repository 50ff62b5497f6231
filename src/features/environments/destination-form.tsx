import { useQuery } from '@connectrpc/connect-query';
import { useState } from 'react';
import { Button } from '#src/components/button.tsx';
import { Field, Input, Select } from '#src/components/field.tsx';
import { Form, FormError } from '#src/components/form.tsx';
import { Failed, Loading } from '#src/components/states.tsx';
import { DestinationService, type DestinationType } from '#src/gen/forest/v1/destinations_pb.ts';
import { describeError } from '#src/lib/errors.ts';
import {
  type DestinationDraft,
  type DestinationProblems,
  missing,
  refusalProblems,
  typeName,
} from './destination-draft.ts';
import { SettingField } from './setting-field.tsx';

export interface DestinationFormProps {
  readonly initial: DestinationDraft;
  /** Editing: a destination keeps its name and its type. */
  readonly existing: boolean;
  /** Saves; its rejection is shown and keeps what was typed. */
  readonly onSave: (draft: DestinationDraft, type: DestinationType) => Promise<unknown>;
  readonly onCancel: () => void;
}

/** The form of a destination, drawn from what the server says of its types. */
export function DestinationForm(props: DestinationFormProps) {
  const types = useQuery(DestinationService.method.listDestinationTypes, {});
  if (types.data) return <TypedForm {...props} types={types.data.types} />;
  if (!types.error) return <Loading label="Loading destination types…" />;
  return (
    <Failed
      title="The destination types could not be loaded."
      message={describeError(types.error).message}
      onRetry={types.refetch}
      retrying={types.isFetching}
    />
  );
}

type TypedFormProps = DestinationFormProps & { readonly types: readonly DestinationType[] };

function TypedForm({ initial, existing, types, onSave, onCancel }: TypedFormProps) {
  const [draft, setDraft] = useState(initial);
  const [problems, setProblems] = useState<DestinationProblems | null>(null);
  const [saving, setSaving] = useState(false);
  const type = types.find((each) => typeName(each) === draft.type);
  const save = async () => {
    if (saving) return;
    const lacking = missing(type, draft, existing);
    setProblems(lacking);
    if (lacking || !type) return;
    setSaving(true);
    try {
      await onSave(draft, type);
    } catch (error) {
      setProblems(refusalProblems(type, describeError(error)));
    } finally {
      setSaving(false);
    }
  };
  return (
    <Form problems={problems} onSubmit={save} className="flex flex-col gap-4">
      <FormError>{problems?.form}</FormError>
      {!existing && (
        <Field
          label="Name"
          error={problems?.name}
          required
          hint="Unique in the organisation, such as eu-west."
        >
          {(control) => (
            <Input
              {...control}
              autoCapitalize="none"
              autoComplete="off"
              spellCheck={false}
              value={draft.name}
              onChange={(event) => setDraft({ ...draft, name: event.target.value })}
            />
          )}
        </Field>
      )}
      <Field label="Type" error={problems?.type} required hint={type?.description}>
        {(control) => (
          <Select
            {...control}
            disabled={existing}
            value={draft.type}
            onChange={(event) => setDraft({ ...draft, type: event.target.value })}
          >
            {!type && <option value={draft.type}>{draft.type || 'Choose…'}</option>}
            {types.map((each) => (
              <option key={typeName(each)} value={typeName(each)}>
                {typeName(each)}
              </option>
            ))}
          </Select>
        )}
      </Field>
      {type?.fields.map((field) => (
        <SettingField
          key={`${draft.type}/${field.name}`}
          field={field}
          value={draft.settings[field.name] ?? ''}
          existing={existing}
          error={problems?.settings[field.name]}
          onChange={(value) => setDraft({ ...draft, settings: { ...draft.settings, [field.name]: value } })}
        />
      ))}
      <div className="flex flex-wrap justify-end gap-2">
        <Button onClick={onCancel}>Cancel</Button>
        <Button type="submit" variant="primary" pending={saving}>
          {existing ? 'Save Changes' : 'Create Destination'}
        </Button>
      </div>
    </Form>
  );
}
