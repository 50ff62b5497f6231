// @vitest-environment jsdom
import { Code, ConnectError, type ConnectRouter } from '@connectrpc/connect';
import { screen, waitFor, within } from '@testing-library/react';
import { beforeEach, describe, expect, test } from 'vitest';
import { EnvironmentService } from '#src/gen/forest/v1/environments_pb.ts';
import { OrganisationService } from '#src/gen/forest/v1/organisations_pb.ts';
import type { CreatePolicyRequest, Policy } from '#src/gen/forest/v1/policies_pb.ts';
import { PolicyService } from '#src/gen/forest/v1/policies_pb.ts';
import { ReleaseService } from '#src/gen/forest/v1/releases_pb.ts';
import { SessionService } from '#src/gen/forest/v1/sessions_pb.ts';
import { renderWithin } from '#src/testing/render-within.tsx';
import { sessionOf } from '#src/testing/sessions.ts';
import { CreatePolicy } from './policy-editor.tsx';
import { PolicyList } from './policy-list.tsx';

/** A project's policies in memory. */
class PolicyServer {
  policies: Pick<Policy, 'id' | 'name' | 'enabled' | 'config'>[] = [];
  created: CreatePolicyRequest[] = [];
  refuse: ConnectError | null = null;
  /** Titles of the releases that wait for production. */
  waiting: string[] = [];
  boardProblem: ConnectError | null = null;

  readonly serve = (router: ConnectRouter) => {
    router.service(PolicyService, {
      getSoakRecord: ({ durationSeconds }) =>
        durationSeconds < 60n ? { builds: 1, kept: 1 } : { builds: 9, kept: 2, isSeldom: true },
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
    router.service(SessionService, { getSession: () => ({ session: sessionOf() }) });
    router.service(OrganisationService, { listMembers: () => ({ totalCount: 4 }) });
    router.service(EnvironmentService, {
      listEnvironments: () => ({
        environments: [{ name: 'staging' }, { name: 'production' }, { name: 'archive' }],
      }),
    });
    router.service(ReleaseService, {
      getArtifactsByProject: () => ({
        artifact: ['main', 'dev', 'main'].map((branch) => ({ ref: { branch } })),
      }),
      getDeploymentBoard: () => {
        if (this.boardProblem) throw this.boardProblem;
        const waiting = this.waiting.map((title) => ({
          releaseIntentId: title,
          title,
          slug: `slug-of-${title}`,
          ...(title === 'Versioned' && { version: '1.5.0' }),
        }));
        return { rows: [{ project: 'checkout', cells: [{ environment: 'production', waiting }] }] };
      },
    });
  };
}

const project = { organisation: 'acme', project: 'checkout' };
let server: PolicyServer;
beforeEach(() => {
  server = new PolicyServer();
});

function open() {
  return renderWithin(
    <>
      <PolicyList project={project} canEdit />
      <CreatePolicy project={project} environments={['staging', 'production']} />
    </>,
    server.serve,
  );
}

const label = (name: string) => screen.getByLabelText(name);

describe('creating', () => {
  test('a soak time policy', async () => {
    const { user } = open();
    await user.type(label('Name'), 'Soak first');
    await user.selectOptions(label('Type'), 'Soak Time');
    await user.selectOptions(label('Source environment'), 'staging');
    await user.selectOptions(label('Target environment'), 'production');
    await user.type(label('Soak duration'), '1h 30m');
    await user.click(screen.getByRole('button', { name: 'Create Policy' }));
    expect(await screen.findByText('staging → production · 1h 30m')).toBeTruthy();
    expect(server.created[0]?.config).toMatchObject({ case: 'soakTime', value: { durationSeconds: 5_400n } });
    expect(label('Name')).toHaveProperty('value', '');
  });

  test('a soak time policy shows how often its source environment kept a build that long', async () => {
    const { user } = open();
    await user.selectOptions(label('Type'), 'Soak Time');
    await user.selectOptions(label('Source environment'), 'staging');
    await user.type(label('Soak duration'), '5s');
    await screen.findByText('In the last 14 days, staging kept 1 of 1 build that long.');
    await user.clear(label('Soak duration'));
    await user.type(label('Soak duration'), '1h');
    const seldom =
      'In the last 14 days, staging kept 2 of 9 builds that long. Releases will seldom pass: choose a shorter time';
    await waitFor(() =>
      expect(screen.getByText(/kept 2 of 9/).textContent).toBe(
        `${seldom}, or keep counting when newer builds are deployed.`,
      ),
    );
    await user.click(label('Keep counting when newer builds are deployed'));
    await waitFor(() => expect(screen.getByText(/kept 2 of 9/).textContent).toBe(`${seldom}.`));
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
    expect(await screen.findByText('Matches 1 of the last 2 branches: main')).toBeTruthy();
    await user.click(screen.getByRole('button', { name: 'Create Policy' }));
    expect(await screen.findByText('^main$ → production')).toBeTruthy();
    expect(server.created[0]?.config).toMatchObject({
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
    const sentence =
      'Before a release is deployed to production, 2 members other than the author must approve.';
    expect(screen.getByText(sentence)).toBeTruthy();
    await user.click(screen.getByRole('button', { name: 'Create Policy' }));
    expect(await screen.findByText('production · 2 approvals')).toBeTruthy();
    expect(server.created[0]?.config).toMatchObject({ case: 'approval', value: { requiredApprovals: 2 } });
  });

  test('says who can approve now, and links the releases that wait', async () => {
    server.waiting = ['Versioned', 'old'];
    const { user } = open();
    expect(screen.queryByRole('heading', { name: 'Now' })).toBeNull();
    await user.selectOptions(label('Type'), 'Approval Required');
    expect(await screen.findByText('3 members can approve')).toBeTruthy();
    await user.clear(label('Required approvals'));
    await user.type(label('Required approvals'), '4');
    expect(screen.getByText('Only 3 members can approve')).toBeTruthy();
    await user.selectOptions(label('Target environment'), 'production');
    const line = await screen.findByText(/^2 releases wait for production/);
    const links = within(line).getAllByRole('link');
    expect(links.map((link) => link.getAttribute('href'))).toEqual([
      '/orgs/acme/projects/checkout/releases/slug-of-Versioned?release=Versioned#policy-requirements',
      '/orgs/acme/projects/checkout/releases/slug-of-old?release=old#policy-requirements',
    ]);
    expect(links.map((link) => link.firstChild?.textContent)).toEqual(['1.5.0', 'slug-of-old']);
    await user.selectOptions(label('Target environment'), 'staging');
    expect(await screen.findByText('No release waits for staging')).toBeTruthy();
  });

  test('says why the waiting releases are not known', async () => {
    server.boardProblem = new ConnectError('Not for you', Code.PermissionDenied);
    const { user } = open();
    await user.selectOptions(label('Type'), 'Branch Restriction');
    await user.selectOptions(label('Target environment'), 'production');
    const problem = "Couldn't check which releases are waiting for production. Not for you";
    expect(await screen.findByText(problem)).toBeTruthy();
    expect(screen.queryByText(/can approve/)).toBeNull();
  });

  test('shows missing values at their fields, sends nothing and focuses the first', async () => {
    const { user } = open();
    await user.click(screen.getByRole('button', { name: 'Create Policy' }));
    await waitFor(() => expect(document.activeElement).toBe(label('Name')));
    expect(label('Type').getAttribute('aria-invalid')).toBe('true');
    await user.selectOptions(label('Type'), 'Soak Time');
    await user.click(screen.getByRole('button', { name: 'Create Policy' }));
    await waitFor(() => expect(label('Soak duration').getAttribute('aria-invalid')).toBe('true'));
    expect(label('Name').getAttribute('aria-invalid')).toBe('true');
    const described = label('Soak duration').getAttribute('aria-describedby')?.split(' ') ?? [];
    const description = described.map((id) => document.getElementById(id)?.textContent).join(' ');
    expect(description).toContain('Enter a duration');
    expect(server.created).toEqual([]);
  });

  test('keeps the input after a refusal, and clears the message after saving', async () => {
    server.refuse = new ConnectError(
      'A policy with this name already exists in this project',
      Code.AlreadyExists,
    );
    const { user } = open();
    await user.type(label('Name'), 'Two reviewers');
    await user.selectOptions(label('Type'), 'Approval Required');
    await user.selectOptions(label('Target environment'), 'production');
    await user.click(screen.getByRole('button', { name: 'Create Policy' }));
    const alert = await screen.findByRole('alert');
    expect(alert.textContent).toBe('A policy with this name already exists in this project');
    expect(document.activeElement).toBe(alert);
    expect(label('Name')).toHaveProperty('value', 'Two reviewers');
    expect(label('Target environment')).toHaveProperty('value', 'production');

    server.refuse = null;
    await user.click(screen.getByRole('button', { name: 'Create Policy' }));
    expect(await screen.findByText('production · 1 approval')).toBeTruthy();
    expect(screen.queryByRole('alert')).toBeNull();
  });
});

describe('a policy in the list', () => {
  beforeEach(() => {
    server.policies = [
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
  const row = async () =>
    within(await screen.findByRole('list', { name: 'Policies for production' })).getByRole('listitem');
  // `hidden`: without a style sheet, the actions are in the closed menu for phones.
  const action = async (name: string) => within(await row()).findByRole('button', { name, hidden: true });
  const press = async (user: ReturnType<typeof open>['user'], name: string) => user.click(await action(name));

  test('is disabled at once when no release waits, which can be undone', async () => {
    const { user } = open();
    await press(user, 'Disable');
    await user.click(await screen.findByRole('button', { name: 'Undo' }));
    expect(await action('Disable')).toBeTruthy();
    expect(server.policies[0]?.enabled).toBe(true);
  });

  test('lists the releases that wait before it is disabled', async () => {
    server.waiting = ['Round half up', 'Add Danish'];
    const { user } = open();
    await press(user, 'Disable');
    const question = await screen.findByRole('alertdialog', { name: 'Disable policy "Two reviewers"?' });
    expect(question.textContent).toContain('2 releases are waiting for production:');
    expect(
      within(question)
        .getAllByRole('listitem')
        .map((one) => one.textContent),
    ).toEqual(['Round half up (slug-of-Round half up)', 'Add Danish (slug-of-Add Danish)']);
    await user.click(within(question).getByRole('button', { name: 'Cancel' }));
    expect(server.policies[0]?.enabled).toBe(true);
    await press(user, 'Disable');
    await user.click(await screen.findByRole('button', { name: 'Disable policy' }));
    expect(await action('Enable')).toBeTruthy();
    expect(screen.queryByRole('alertdialog')).toBeNull();
  });

  test('asks before it is disabled when the waiting releases are not known', async () => {
    server.boardProblem = new ConnectError('Too many requests', Code.PermissionDenied);
    const { user } = open();
    await press(user, 'Disable');
    const question = await screen.findByRole('alertdialog', { name: 'Disable policy "Two reviewers"?' });
    expect(question.textContent).toContain("Couldn't check which releases are waiting for production.");
    expect(server.policies[0]?.enabled).toBe(true);
  });

  test('shows why it was not changed', async () => {
    server.refuse = new ConnectError('Only an admin changes policies', Code.PermissionDenied);
    const { user } = open();
    await press(user, 'Disable');
    expect((await screen.findByRole('alert')).textContent).toContain('Only an admin changes policies');
    expect(await action('Disable')).toBeTruthy();
  });

  test('is deleted after confirmation; Escape keeps it', async () => {
    server.waiting = ['Round half up'];
    const { user } = open();
    const deleteButton = await action('Delete');
    await user.click(deleteButton);
    const question = await screen.findByRole('alertdialog', { name: 'Delete policy "Two reviewers"?' });
    expect(question.textContent).toContain('1 release is waiting for production:');
    expect(document.activeElement).toBe(within(question).getByRole('button', { name: 'Cancel' }));
    await user.keyboard('{Escape}');
    await waitFor(() => expect(screen.queryByRole('alertdialog')).toBeNull());
    expect(server.policies).toHaveLength(1);

    await user.click(deleteButton);
    await user.click(await screen.findByRole('button', { name: 'Delete policy' }));
    expect(await screen.findByText('No deployment policies configured.')).toBeTruthy();
    expect(screen.queryByRole('alertdialog')).toBeNull();
  });

  test('stands under its environment; the others have none', async () => {
    open();
    const section = await screen.findByRole('region', { name: 'production' });
    expect(within(section).getByText('Two reviewers')).toBeTruthy();
    expect(await screen.findByText('No policy guards staging, archive.')).toBeTruthy();
  });

  test('has a sentence and no buttons for members', async () => {
    renderWithin(<PolicyList project={project} canEdit={false} />, server.serve);
    expect((await row()).textContent).toContain('2 members other than the author must approve.');
    expect(within(await row()).queryByRole('button', { hidden: true })).toBeNull();
    expect(within(await row()).queryByRole('link', { hidden: true })).toBeNull();
  });
});
