import { matchPath } from 'react-router';
import { patterns } from '#src/config/paths.ts';

type Names = Readonly<Record<string, string | undefined>>;

/** What people call the page of each pattern. */
const names: Partial<Record<keyof typeof patterns, (params: Names) => string>> = {
  account: () => 'your account',
  organisation: ({ org }) => `${org}`,
  members: ({ org }) => `members of ${org}`,
  environments: ({ org }) => `environments of ${org}`,
  history: ({ org }) => `history of ${org}`,
  project: ({ project }) => `releases of ${project}`,
  release: ({ project }) => `a release of ${project}`,
  policies: ({ project }) => `policies of ${project}`,
  policy: ({ project }) => `a policy of ${project}`,
  pipelines: ({ project }) => `pipelines of ${project}`,
  pipeline: ({ project }) => `a pipeline of ${project}`,
};

/** Anyone can write an address, so only names that the contract allows are repeated. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;

/** The name of a page, from its path; undefined for an unknown one. */
export function pageName(path: string): string | undefined {
  const pathname = path.split(/[?#]/)[0] ?? '';
  for (const [key, nameOf] of Object.entries(names)) {
    const params = matchPath(patterns[key as keyof typeof patterns], pathname)?.params;
    if (!params) continue;
    const { org = 'x', project = 'x' } = params;
    return NAME.test(org) && NAME.test(project) ? nameOf(params) : undefined;
  }
  return undefined;
}
