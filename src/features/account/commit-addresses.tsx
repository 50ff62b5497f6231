import { useQuery } from '@connectrpc/connect-query';
import { useState } from 'react';
import { Button } from '#src/components/button.tsx';
import { Form, FormError } from '#src/components/form.tsx';
import { PagedList } from '#src/components/paged-list.tsx';
import { PlainField } from '#src/components/plain-field.tsx';
import { Row, Rows } from '#src/components/rows.tsx';
import { Section } from '#src/components/section.tsx';
import { ActionError, Empty } from '#src/components/states.tsx';
import { announce } from '#src/components/toast.tsx';
import { UsersService } from '#src/gen/forest/v1/users_pb.ts';
import { describeError } from '#src/lib/errors.ts';
import { useFormProblems } from '#src/lib/form-problems.ts';
import { useCommitAddressMutations } from './use-commit-addresses.ts';

/** The addresses by which builds name the caller as an author. */
export function CommitAddresses() {
  const query = useQuery(UsersService.method.listCommitAddresses, {});
  const { remove } = useCommitAddressMutations();
  const addresses = query.data?.addresses ?? [];
  return (
    <Section title="Commit addresses" flush>
      <PagedList
        query={query}
        what="commit addresses"
        count={addresses.length}
        empty={
          <Empty title="No commit addresses yet">
            Add the other addresses of your commits, such as the private address of GitHub or GitLab. You are
            an author of builds that name them.
          </Empty>
        }
      >
        <Rows label="Commit addresses">
          {addresses.map((address) => (
            <Row key={address}>
              <span className="min-w-0 font-medium wrap-anywhere">{address}</span>
              <span className="ml-auto">
                <Button
                  variant="text"
                  pending={remove.isPending && remove.variables?.address === address}
                  aria-label={`Remove ${address}`}
                  onClick={() =>
                    remove.mutate({ address }, { onSuccess: () => announce(`${address} removed`) })
                  }
                >
                  Remove
                </Button>
              </span>
            </Row>
          ))}
        </Rows>
      </PagedList>
      <div className="flex flex-col gap-3 border-t border-line p-4">
        {remove.error && (
          <ActionError>{`Couldn't remove the address. ${describeError(remove.error).message}`}</ActionError>
        )}
        <AddCommitAddress />
      </div>
    </Section>
  );
}

/** The form for one more address. The server validates it. */
function AddCommitAddress() {
  const [address, setAddress] = useState('');
  const { problems, attempt, show, refuse, clear, changed } = useFormProblems(['address']);
  const { add } = useCommitAddressMutations();
  const submit = () => {
    if (add.isPending) return;
    if (!address.trim()) return show({ address: 'Enter an address of your commits' });
    clear();
    add.mutate(
      { address: address.trim() },
      {
        onSuccess: (added) => {
          announce(`${added.address} added`);
          setAddress('');
        },
        onError: refuse,
      },
    );
  };
  return (
    <Form
      problems={attempt}
      onSubmit={submit}
      label="Add commit address"
      className="flex max-w-md flex-col gap-4"
    >
      <PlainField
        label="Address"
        hint="You can't approve builds that name it. Removing it later changes nothing for builds annotated before."
        error={problems.address}
        required
        value={address}
        onChange={(value) => {
          setAddress(value);
          changed('address');
        }}
      />
      <FormError>{problems.form}</FormError>
      <div>
        <Button type="submit" variant="primary" pending={add.isPending}>
          Add address
        </Button>
      </div>
    </Form>
  );
}
