// @vitest-environment jsdom
import { Code, ConnectError, type ConnectRouter } from '@connectrpc/connect';
import { screen, waitFor, within } from '@testing-library/react';
import { beforeEach, describe, expect, test } from 'vitest';
import type { CreatePolicyRequest, Policy } from '#src/gen/forest/v1/policies_pb.ts';
import { PolicyService } from '#src/gen/forest/v1/policies_pb.ts';
import { renderWithin } from '#src/testing/render-within.tsx';
import { CreatePolicy } from './create-policy.tsx';
import { PolicyList } from './policy-list.tsx';

/** A project's policies in memory, with the server's answers that the screens depend on. */
class PolicyShelf {
  policies: Pick<Policy, 'id' | 'name' | 'enabled' | 'config'>[] = [];
  created: CreatePolicyRequest[] = [];
  refuse: ConnectError | null = null;

  readonly serve = (router: ConnectRouter) => {
    router.service(PolicyService, {
      listPolicies: () => ({ policies: this.policies }),
      createPolicy: (request) => {
        if (this.refuse) throw this.refuse;
        this.created.push(request);
        const policy = {
          id: `id-${request.name}`,
          name: request.name,
          enabled: true,
          config: request.config,
        };
        this.policies.push(policy);
        return { policy };
      },
      updatePolicy: ({ name, enabled }) => {
        if (this.refuse) throw this.refuse;
        this.policies = this.policies.map((each) =>
          each.name === name ? { ...each, enabled: enabled ?? each.enabled } : each,
        );
        return {};
      },
      deletePolicy: ({ name }) => {
        if (this.refuse) throw this.refuse;
        this.policies = this.policies.filter((each) => each.name !== name);
        return {};
      },
    });
  };
}

let shelf: PolicyShelf;
beforeEach(() => {
  shelf = new PolicyShelf();
});

function open() {
  return renderWithin(
    <>
      <PolicyList organisation="acme" project="checkout" canEdit />
      <CreatePolicy organisation="acme" project="checkout" environments={['staging', 'production']} />
    </>,
    shelf.serve,
  );
}

const label = (name: string) => screen.getByLabelText(name);

describe('creating', () => {
  test('a soak time policy', async () => {
    const { user } = open();
    await user.type(label('Name'), 'Soak first');
    await user.selectOptions(label('Source environment'), 'staging');
    await user.selectOptions(label('Target environment'), 'production');
    await user.type(label('Soak duration'), '1h 30m');
    await user.click(screen.getByRole('button', { name: 'Create Policy' }));
    expect(await screen.findByText('staging → production · 1h 30m')).toBeTruthy();
    expect(shelf.created[0]?.config).toMatchObject({ case: 'soakTime', value: { durationSeconds: 5_400n } });
    expect(label('Name')).toHaveProperty('value', '');
  });

  test('a branch restriction, tried before it is saved', async () => {
    const { user } = open();
    await user.type(label('Name'), 'Main only');
    await user.selectOptions(label('Type'), 'Branch Restriction');
    await user.selectOptions(label('Target environment'), 'production');
    await user.type(label('Branch pattern'), '^main$');
    await user.type(label('Try a branch'), 'dev');
    expect(await screen.findByText('“dev” would be blocked')).toBeTruthy();
    await user.clear(label('Try a branch'));
    await user.type(label('Try a branch'), 'main');
    expect(await screen.findByText('“main” would pass')).toBeTruthy();
    await user.click(screen.getByRole('button', { name: 'Create Policy' }));
    expect(await screen.findByText('^main$ → production')).toBeTruthy();
    expect(shelf.created[0]?.config).toMatchObject({
      case: 'branchRestriction',
      value: { branchPattern: '^main$' },
    });
  });

  test('an approval policy', async () => {
    const { user } = open();
    await user.type(label('Name'), 'Two reviewers');
    await user.selectOptions(label('Type'), 'Approval Required');
    await user.selectOptions(label('Target environment'), 'production');
    await user.clear(label('Required approvals'));
    await user.type(label('Required approvals'), '2');
    await user.click(screen.getByRole('button', { name: 'Create Policy' }));
    expect(await screen.findByText('production · 2 approvals')).toBeTruthy();
    expect(shelf.created[0]?.config).toMatchObject({ case: 'approval', value: { requiredApprovals: 2 } });
  });

  test('what is missing is said at its field, nothing is sent, and the focus goes to the first', async () => {
    const { user } = open();
    await user.click(screen.getByRole('button', { name: 'Create Policy' }));
    await waitFor(() => expect(document.activeElement).toBe(label('Name')));
    expect(label('Name').getAttribute('aria-invalid')).toBe('true');
    const described = label('Soak duration').getAttribute('aria-describedby')?.split(' ') ?? [];
    const words = described.map((id) => document.getElementById(id)?.textContent).join(' ');
    expect(words).toContain('Enter a duration');
    expect(shelf.created).toEqual([]);
  });

  test('what was typed survives a refusal, which stands beside it and goes when the field changes', async () => {
    shelf.refuse = new ConnectError('a policy of this name exists in this project', Code.AlreadyExists);
    const { user } = open();
    await user.type(label('Name'), 'Two reviewers');
    await user.selectOptions(label('Type'), 'Approval Required');
    await user.selectOptions(label('Target environment'), 'production');
    await user.click(screen.getByRole('button', { name: 'Create Policy' }));
    const alert = await screen.findByRole('alert');
    expect(alert.textContent).toBe('a policy of this name exists in this project');
    expect(document.activeElement).toBe(alert);
    expect(label('Name')).toHaveProperty('value', 'Two reviewers');
    expect(label('Target environment')).toHaveProperty('value', 'production');

    shelf.refuse = null;
    await user.click(screen.getByRole('button', { name: 'Create Policy' }));
    expect(await screen.findByText('production · 1 approval')).toBeTruthy();
    expect(screen.queryByRole('alert')).toBeNull();
  });
});

describe('a policy in the list', () => {
  beforeEach(() => {
    shelf.policies = [
      {
        id: 'one',
        name: 'Two reviewers',
        enabled: true,
        config: {
          case: 'approval',
          value: {
            $typeName: 'forest.v1.ApprovalConfig',
            targetEnvironment: 'production',
            requiredApprovals: 2,
          },
        },
      },
    ];
  });
  const row = async () => within(await screen.findByRole('list', { name: 'Policies' })).getByRole('listitem');

  test('is disabled and enabled', async () => {
    const { user } = open();
    await user.click(within(await row()).getByRole('button', { name: 'Disable' }));
    await user.click(await screen.findByRole('button', { name: 'Enable' }));
    expect(await screen.findByRole('button', { name: 'Disable' })).toBeTruthy();
  });

  test('says why it was not changed', async () => {
    shelf.refuse = new ConnectError('only an admin changes policies', Code.PermissionDenied);
    const { user } = open();
    await user.click(within(await row()).getByRole('button', { name: 'Disable' }));
    expect((await screen.findByRole('alert')).textContent).toContain('only an admin changes policies');
    expect(within(await row()).getByRole('button', { name: 'Disable' })).toBeTruthy();
  });

  test('is deleted only after the question; Escape gives the focus back', async () => {
    const { user } = open();
    const deleteButton = within(await row()).getByRole('button', { name: 'Delete' });
    await user.click(deleteButton);
    const question = await screen.findByRole('alertdialog', { name: 'Delete policy "Two reviewers"?' });
    expect(document.activeElement).toBe(within(question).getByRole('button', { name: 'Cancel' }));
    await user.keyboard('{Escape}');
    await waitFor(() => expect(document.activeElement).toBe(deleteButton));
    expect(shelf.policies).toHaveLength(1);

    await user.click(deleteButton);
    await user.click(within(await screen.findByRole('alertdialog')).getByRole('button', { name: 'Delete' }));
    expect(await screen.findByText('No deployment policies configured.')).toBeTruthy();
    expect(screen.queryByRole('alertdialog')).toBeNull();
  });

  test('offers nothing to who may not change it', async () => {
    renderWithin(<PolicyList organisation="acme" project="checkout" canEdit={false} />, shelf.serve);
    expect(within(await row()).queryByRole('button')).toBeNull();
    expect(within(await row()).queryByRole('link')).toBeNull();
  });
});
