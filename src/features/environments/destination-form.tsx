import { useQuery } from '@connectrpc/connect-query';
import { useState } from 'react';
import { Button } from '#src/components/button.tsx';
import { Field, Select } from '#src/components/field.tsx';
import { Form, FormError } from '#src/components/form.tsx';
import { PlainField } from '#src/components/plain-field.tsx';
import { Failed, Loading } from '#src/components/states.tsx';
import { UserText } from '#src/components/user-text.tsx';
import { DestinationService, type DestinationType } from '#src/gen/forest/v1/destinations_pb.ts';
import { describeError } from '#src/lib/errors.ts';
import {
  type DestinationDraft,
  type DestinationProblems,
  missingProblems,
  refusalProblems,
  typeName,
} from './destination-draft.ts';
import { SettingField } from './setting-field.tsx';

export interface DestinationFormProps {
  readonly initial: DestinationDraft;
  /** An existing destination keeps its name and type. */
  readonly existing: boolean;
  readonly onSave: (draft: DestinationDraft, type: DestinationType) => Promise<unknown>;
  readonly onCancel: () => void;
}

/** The form of a destination. The server describes the types and their settings. */
export function DestinationForm(props: DestinationFormProps) {
  const types = useQuery(DestinationService.method.listDestinationTypes, {});
  if (types.data) return <TypedForm {...props} types={types.data.types} />;
  if (!types.error) return <Loading label="Loading destination types…" />;
  return (
    <Failed
      title="Couldn't load destination types"
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
  // The focus moves to the first problem after each attempt, not when a problem goes.
  const [attempt, setAttempt] = useState<object | null>(null);
  const refuse = (found: DestinationProblems | null) => {
    setProblems(found);
    setAttempt(found);
  };
  const [saving, setSaving] = useState(false);
  const type = types.find((each) => typeName(each) === draft.type);
  /** A problem goes with the value it is about; another type has other settings. */
  const change = (next: Partial<DestinationDraft>, solved: Partial<DestinationProblems>) => {
    setDraft({ ...draft, ...next });
    if (problems) setProblems({ ...problems, ...solved });
  };
  const save = async () => {
    if (saving) return;
    const missing = missingProblems(type, draft, existing);
    refuse(missing);
    if (missing || !type) return;
    setSaving(true);
    try {
      await onSave(draft, type);
    } catch (error) {
      refuse(refusalProblems(type, describeError(error)));
    } finally {
      setSaving(false);
    }
  };
  return (
    <Form problems={attempt} onSubmit={save} className="flex flex-col gap-4">
      <FormError>{problems?.form}</FormError>
      {!existing && (
        <PlainField
          label="Name"
          error={problems?.name}
          required
          hint="Unique in the organisation, such as eu-west."
          value={draft.name}
          onChange={(name) => change({ name }, { name: undefined })}
        />
      )}
      {existing ? (
        <p className="text-muted">
          Type <UserText>{draft.type}</UserText>
        </p>
      ) : (
        <Field label="Type" error={problems?.type} required hint={type?.description}>
          {(control) => (
            <Select
              {...control}
              value={draft.type}
              onChange={(event) =>
                change({ type: event.target.value }, { type: undefined, form: undefined, settings: {} })
              }
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
      )}
      {type?.fields.map((field) => (
        <SettingField
          key={`${draft.type}/${field.name}`}
          field={field}
          value={draft.settings[field.name] ?? ''}
          existing={existing}
          error={problems?.settings[field.name]}
          onChange={(value) =>
            change(
              { settings: { ...draft.settings, [field.name]: value } },
              { settings: { ...problems?.settings, [field.name]: undefined } },
            )
          }
        />
      ))}
      <PlainField
        label="Grace period"
        error={problems?.gracePeriod}
        hint="In seconds: how long the destination stays occupied after a deployment is cancelled or times out. Default: 300 after a cancellation, 60 after a timeout."
        input={{ inputMode: 'numeric' }}
        value={draft.gracePeriod}
        onChange={(gracePeriod) => change({ gracePeriod }, { gracePeriod: undefined })}
      />
      <div className="flex flex-wrap justify-end gap-2">
        <Button onClick={onCancel}>Cancel</Button>
        <Button type="submit" variant="primary" pending={saving}>
          {existing ? 'Save Changes' : 'Add destination'}
        </Button>
      </div>
    </Form>
  );
}
