// The screens and dialogs that people use often, in the data of the demo. `npm run pictures -- --all` takes pictures of them, and
// `npm run test:screens` checks them.
import type { Locator, Page } from 'playwright';
import { type Artifact, ReleaseIntentStatus } from '#server/gen/forest/v1/releases_pb.ts';
import { signedIn } from './api.ts';
import type { RunningDemo } from './demo-process.ts';

export const organisation = '/orgs/acme';
export const project = `${organisation}/projects/checkout`;

export const sizes = {
  wide: { width: 1280, height: 800 },
  narrow: { width: 390, height: 844 },
} as const;
export type Size = keyof typeof sizes;

/** Builds of the demo whose pages are shown. `half` has one of two approvals, `other` waits too, `fresh` was never released. */
export type Build = 'half' | 'other' | 'fresh' | 'failed' | 'running' | 'planned' | 'live';
export type ReleasePaths = Readonly<Record<Build, string>>;

export interface Screen {
  readonly name: string;
  /** An address, or the build whose page it is. */
  readonly at: string | { readonly build: Build };
  /** Who is signed in; null when signed out. */
  readonly user: keyof RunningDemo['passwords'] | null;
  /** A text that the page shows once it is complete. */
  readonly ready: string;
  /** Opens what the page has behind a click. */
  readonly open?: (page: Page) => Promise<void>;
  /** What people come for: the first of these controls that is visible. */
  readonly action: readonly [role: 'button' | 'link' | 'textbox' | 'combobox' | 'checkbox', name: RegExp];
  /** At which size it exists; by default at both. */
  readonly only?: Size;
}

const button = (page: Page, name: string | RegExp) =>
  page.getByRole('button', { name, exact: true }).filter({ visible: true }).first();

const dialogOf = (page: Page): Locator => page.getByRole('dialog').or(page.getByRole('alertdialog'));

/** Clicks a button and waits for its dialog. */
const behind = (name: string | RegExp) => async (page: Page) => {
  await button(page, name).click();
  await dialogOf(page).waitFor();
};

/** Clicks an action of a row, which is in a menu on phones, and waits for its dialog. */
const behindRow = (row: string, name: string | RegExp) => async (page: Page) => {
  const menu = page.getByRole('button', { name: `Actions for ${row}` });
  if (await menu.isVisible()) await menu.click();
  await behind(name)(page);
};

/** Clicks a control of the vote, which is in a sheet on phones, and waits for its dialog. */
const behindVote = (name: string) => async (page: Page) => {
  const review = button(page, 'Review');
  if (await review.isVisible()) await review.click();
  await button(page, name).click();
  await page.getByRole('alertdialog').waitFor();
};

const home = { at: '/', user: 'reviewer-two', ready: 'Your organisations' } as const;
const account = { at: '/account', user: 'reviewer', ready: 'Access tokens' } as const;
const members = { at: `${organisation}/members`, user: 'admin', ready: 'Files of builds' } as const;
const environments = { at: `${organisation}/environments`, user: 'admin', ready: 'load-test-rig' } as const;
const history = { at: `${organisation}/history`, user: 'admin', ready: 'Load more history' } as const;
const board = { at: organisation, user: 'admin', ready: 'Needs attention' } as const;
const projectPage = { at: project, user: 'author', ready: 'Awaiting approval' } as const;
const policies = { at: `${project}/policies`, user: 'admin', ready: 'Approval Required' } as const;
const pipelines = { at: `${project}/pipelines`, user: 'admin', ready: 'to-production' } as const;
const release = { at: { build: 'half' }, user: 'reviewer-two', ready: 'Policy Requirements' } as const;
const vote = ['button', /^(Approve|Review)\b/] as const;

export const screens: readonly Screen[] = [
  { name: 'sign-in', at: '/sign-in', user: null, ready: 'Sign in', action: ['button', /^Sign in$/] },

  { ...home, name: 'home', action: ['link', /\S+ \S+ \S+/] },
  { ...home, name: 'home-author', user: 'author', action: ['link', /\S+ \S+ \S+/] },
  {
    ...home,
    name: 'home-details',
    only: 'wide',
    open: async (page) => {
      await button(page, /^Details of/).click();
      await button(page, /^Approve\b/).waitFor();
    },
    action: ['button', /^Approve\b/],
  },
  {
    ...home,
    name: 'home-vote',
    open: async (page) => {
      const select = button(page, 'Select');
      if (await select.isVisible()) await select.click();
      await page
        .getByRole('checkbox', { name: /^Select (?!all)/ })
        .first()
        .check();
      await behind('Approve 1…')(page);
    },
    action: ['button', /^Approve\b/],
  },
  {
    ...home,
    name: 'command-menu',
    open: behind(/^Go to/),
    action: ['combobox', /^Project, release or screen$/],
  },
  {
    ...home,
    name: 'user-menu',
    open: async (page) => {
      await button(page, 'reviewer-two').click();
      await page.getByRole('link', { name: 'Account' }).waitFor();
    },
    action: ['link', /^Account$/],
  },
  {
    ...home,
    name: 'keyboard-help',
    open: async (page) => {
      await button(page, 'reviewer-two').click();
      await behind('Keyboard shortcuts')(page);
    },
    action: ['checkbox', /^Enable single-key shortcuts/],
  },
  {
    ...home,
    name: 'create-organisation',
    open: behind('Create organisation'),
    action: ['button', /^Create organisation$/],
  },

  { ...account, name: 'account', action: ['button', /^Create token$/] },
  { ...account, name: 'create-token', open: behind('Create token'), action: ['button', /^Create token$/] },

  { ...board, name: 'organisation', action: ['link', /checkout/] },
  {
    ...board,
    name: 'organisation-filtered',
    open: (page) => button(page, /^Needs attention/).click(),
    action: ['button', /^Clear filters$/],
  },
  {
    ...board,
    name: 'create-project',
    open: behind('Create project'),
    action: ['button', /^Create project$/],
  },
  { ...members, name: 'members', action: ['button', /^Add member$/] },
  {
    ...members,
    name: 'members-reviewer',
    user: 'reviewer',
    ready: 'Only admins',
    action: ['button', /^Leave/],
  },
  { ...members, name: 'make-admin', open: behind('Make admin: reviewer'), action: ['button', /^Make admin/] },
  { ...members, name: 'remove-member', open: behind('Remove reviewer'), action: ['button', /^Remove/] },
  {
    ...members,
    name: 'create-service-account',
    open: behind('Create service account'),
    action: ['button', /^Create/],
  },
  { ...environments, name: 'environments', action: ['button', /^Create environment$/] },
  { ...environments, name: 'add-destination', open: behind('Add destination'), action: ['button', /^Add/] },
  {
    ...environments,
    name: 'edit-description',
    open: behind('Edit description'),
    action: ['button', /^Save/],
  },
  { ...environments, name: 'delete-environment', open: behind('Delete'), action: ['button', /^Delete/] },
  { ...history, name: 'history', action: ['button', /^Load more history$/] },
  {
    ...history,
    name: 'history-details',
    open: (page) => page.getByText('Details', { exact: true }).first().click(),
    action: ['button', /^Load more history$/],
  },

  { ...projectPage, name: 'project', action: ['button', /^(Roll back…$|production )/] },
  {
    ...projectPage,
    name: 'project-filters',
    open: (page) => button(page, /^(More filters|Filters)$/).click(),
    action: ['combobox', /./],
  },
  {
    ...projectPage,
    name: 'roll-back',
    open: async (page) => {
      const lane = button(page, /^production /);
      if (await lane.isVisible()) await lane.click();
      await behind('Roll back…')(page);
    },
    action: ['button', /^(Close|Roll back)/],
  },
  { ...policies, name: 'policies', action: ['button', /^Create Policy$/] },
  { ...policies, name: 'policies-reviewer', user: 'reviewer', action: ['link', /^checkout$/] },
  {
    ...policies,
    name: 'delete-policy',
    open: behindRow('two-approvals', /^Delete/),
    action: ['button', /^Delete/],
  },
  {
    ...policies,
    name: 'policy',
    at: `${project}/policies/two-approvals`,
    ready: 'Save Changes',
    action: ['button', /^Save Changes$/],
  },
  {
    ...policies,
    name: 'policy-reviewer',
    user: 'reviewer',
    at: `${project}/policies/soak-in-staging`,
    ready: 'soak-in-staging',
    action: ['link', /^Policies$/],
  },
  { ...pipelines, name: 'pipelines', action: ['button', /^Create pipeline$/] },
  {
    ...pipelines,
    name: 'pipeline',
    at: `${project}/pipelines/to-production`,
    ready: 'Save Changes',
    action: ['button', /^Save Changes$/],
  },
  {
    ...pipelines,
    name: 'pipeline-reviewer',
    user: 'reviewer',
    at: `${project}/pipelines/to-production`,
    action: ['link', /^Pipelines$/],
  },

  { ...release, name: 'release', action: vote },
  {
    ...release,
    name: 'release-author',
    at: { build: 'other' },
    user: 'author',
    action: ['button', /^Deploy…$/],
  },
  { ...release, name: 'release-admin', user: 'admin', action: vote },
  {
    ...release,
    name: 'release-fresh',
    at: { build: 'fresh' },
    user: 'author',
    ready: 'Not released yet',
    action: ['button', /^Deploy…$/],
  },
  {
    ...release,
    name: 'release-failed',
    at: { build: 'failed' },
    ready: 'Failed',
    action: ['button', /^Logs of production$/],
  },
  {
    ...release,
    name: 'release-running',
    at: { build: 'running' },
    ready: 'Pipeline',
    action: ['button', /^Logs of load-test$/],
  },
  { ...release, name: 'release-live', at: { build: 'live' }, action: ['button', /^Deploy…$/] },
  { ...release, name: 'review', only: 'narrow', open: behind('Review'), action: ['button', /^Approve\b/] },
  {
    ...release,
    name: 'bypass',
    user: 'admin',
    open: behindVote('Bypass (Admin)'),
    action: ['button', /^Bypass/],
  },
  {
    ...release,
    name: 'deploy',
    at: { build: 'fresh' },
    user: 'author',
    ready: 'Not released yet',
    open: async (page) => {
      await behind('Deploy…')(page);
      await page.getByRole('combobox', { name: 'Target environment' }).waitFor();
    },
    action: ['button', /^Deploy/],
  },
  {
    ...release,
    name: 'cancel',
    user: 'author',
    open: behind('Cancel release'),
    action: ['button', /^Cancel release$/],
  },
  { ...release, name: 'logs', open: behind('Logs of staging'), action: ['button', /^Close$/] },
  {
    ...release,
    name: 'plan',
    at: { build: 'planned' },
    open: behind('View plan'),
    action: ['button', /^Close$/],
  },

  {
    name: 'not-found',
    at: '/orgs/initech',
    user: 'reviewer',
    ready: 'Go to home',
    action: ['link', /^Go to home$/],
  },
];

/** The addresses of the builds that the screens show. */
export async function releasePaths(demo: Pick<RunningDemo, 'url' | 'passwords'>): Promise<ReleasePaths> {
  const api = await signedIn(demo.url, 'reviewer-two', demo.passwords['reviewer-two']);
  const { approvals } = await api.policies.listPendingApprovals({});
  const { artifact: builds } = await api.releases.getArtifactsByProject({
    project: { organisation: 'acme', project: 'checkout' },
  });
  const pathOf = (build: string, found: { readonly slug: string } | undefined) => {
    if (found === undefined) throw new Error(`The demo has no build that is "${build}"`);
    return `${project}/releases/${found.slug}`;
  };
  const half = approvals.find((approval) => approval.currentApprovals === 1);
  const released = (build: string, matches: (intent: NonNullable<Artifact['latestIntent']>) => boolean) =>
    pathOf(
      build,
      builds.find(({ latestIntent }) => latestIntent && matches(latestIntent)),
    );
  const deploysTo = (environment: string) => (intent: NonNullable<Artifact['latestIntent']>) =>
    intent.stages.every((stage) => stage.environment === environment);
  return {
    half: pathOf('half', half),
    other: pathOf(
      'other',
      approvals.find((approval) => approval.slug !== half?.slug),
    ),
    fresh: pathOf(
      'fresh',
      builds.find(({ latestIntent }) => latestIntent === undefined),
    ),
    failed: released('failed', ({ status }) => status === ReleaseIntentStatus.FAILED),
    live: released('live', ({ status }) => status === ReleaseIntentStatus.SUCCEEDED),
    running: released(
      'running',
      (intent) => intent.status === ReleaseIntentStatus.ACTIVE && deploysTo('load-test')(intent),
    ),
    planned: released(
      'planned',
      ({ status, stages }) =>
        status === ReleaseIntentStatus.ACTIVE && stages.some(({ stageId }) => stageId === 'overnight'),
    ),
  };
}

/** The path of a screen. */
export const pathOf = ({ at }: Screen, paths: ReleasePaths): string =>
  typeof at === 'string' ? at : paths[at.build];
