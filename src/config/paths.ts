// Every address of the dashboard, written once: as patterns for the router and as functions for links.

/** A project as requests name it. */
export interface ProjectRef {
  readonly organisation: string;
  readonly project: string;
}

export const patterns = {
  signIn: '/sign-in',
  setUp: '/set-up',
  home: '/',
  account: '/account',
  organisation: '/orgs/:org',
  members: '/orgs/:org/members',
  environments: '/orgs/:org/environments',
  history: '/orgs/:org/history',
  project: '/orgs/:org/projects/:project',
  release: '/orgs/:org/projects/:project/releases/:slug',
  policies: '/orgs/:org/projects/:project/policies',
  policy: '/orgs/:org/projects/:project/policies/:name',
  pipelines: '/orgs/:org/projects/:project/pipelines',
  pipeline: '/orgs/:org/projects/:project/pipelines/:name',
} as const;

/** The anchor of the section Policy Requirements on a release's page. */
export const requirementsAnchor = 'policy-requirements';

/** The anchor of the form for a new item, on the page of its list. */
export const newItemAnchor = 'new';

/** The anchor of an environment on a project's page. */
export const environmentAnchor = (environment: string) => `env-${environment}`;

/** The anchor of the vote on a release's page. */
export const decisionAnchor = 'decision';

/** The parameter of a release's page that names one of several releases of the build. */
export const releaseParameter = 'release';

const part = encodeURIComponent;
const organisation = (org: string) => `/orgs/${part(org)}`;
const project = (org: string, name: string) => `${organisation(org)}/projects/${part(name)}`;

const release = (org: string, name: string, slug: string, intentId?: string) =>
  `${project(org, name)}/releases/${part(slug)}${intentId ? `?${releaseParameter}=${part(intentId)}` : ''}`;

export const paths = {
  /** `next`: the path of this site to open after signing in. */
  signIn: (next?: string) => (next && next !== '/' ? `/sign-in?next=${part(next)}` : '/sign-in'),
  setUp: () => '/set-up',
  /** A redirect of the server to the provider. */
  signInWith: (provider: string, query: Readonly<Record<string, string>>) =>
    `/auth/oidc/${part(provider)}/start?${new URLSearchParams(query)}`,
  home: () => '/',
  account: () => '/account',
  organisation,
  members: (org: string) => `${organisation(org)}/members`,
  environments: (org: string) => `${organisation(org)}/environments`,
  /** `filter`: query parameters of the page. */
  history: (org: string, filter?: Readonly<Record<string, string>>) =>
    `${organisation(org)}/history${filter ? `?${new URLSearchParams(filter)}` : ''}`,
  project,
  /** One environment on a project's page. */
  environment: (org: string, name: string, environment: string) =>
    `${project(org, name)}#${part(environmentAnchor(environment))}`,
  release,
  /** `intentId`: the one of several releases of the build. */
  requirements: (org: string, name: string, slug: string, intentId?: string) =>
    `${release(org, name, slug, intentId)}#${requirementsAnchor}`,
  policies: (org: string, name: string) => `${project(org, name)}/policies`,
  policy: (org: string, name: string, policy: string) => `${project(org, name)}/policies/${part(policy)}`,
  pipelines: (org: string, name: string) => `${project(org, name)}/pipelines`,
  pipeline: (org: string, name: string, pipeline: string) =>
    `${project(org, name)}/pipelines/${part(pipeline)}`,
} as const;
