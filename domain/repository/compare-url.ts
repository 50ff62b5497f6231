import { repositoryPage } from './address.ts';

interface Comparison {
  readonly page: URL;
  readonly live: string;
  readonly build: string;
}

const threeDots = ({ page, live, build }: Comparison) => `${page.href}/compare/${live}...${build}`;

/** `/scm/KEY/repository`, or without `/scm` in addresses of SSH. */
function bitbucketServer({ page, live, build }: Comparison): string | null {
  const [, key, repository] = /^(?:\/scm)?\/([^/]+)\/([^/]+)$/.exec(page.pathname) ?? [];
  if (key === undefined) return null;
  const comparison = `compare/commits?sourceBranch=${build}&targetBranch=${live}`;
  return `${page.origin}/projects/${key}/repos/${repository}/${comparison}`;
}

function azure({ page, live, build }: Comparison): string | null {
  const [, organisation, project, repository] = /^\/v3\/([^/]+)\/([^/]+)\/([^/]+)$/.exec(page.pathname) ?? [];
  const base =
    organisation === undefined
      ? page.href
      : `https://dev.azure.com/${organisation}/${project}/_git/${repository}`;
  if (!base.includes('/_git/')) return null;
  return `${base}/branchCompare?baseVersion=GC${live}&targetVersion=GC${build}`;
}

/** A server of one's own is recognised by a name such as `github.example.com`. */
const named = (product: string) => new RegExp(`(^|[.-])(${product})([.-]|$)`);

/** The first entry that matches the name of the host. */
const HOSTS: readonly (readonly [RegExp, (comparison: Comparison) => string | null])[] = [
  [/^bitbucket\.org$/, ({ page, live, build }) => `${page.href}/branches/compare/${build}..${live}`],
  [named('bitbucket'), bitbucketServer],
  [/(^|\.)(dev\.azure|visualstudio)\.com$/, azure],
  [named('gitlab'), ({ page, live, build }) => `${page.href}/-/compare/${live}...${build}`],
  [named('github'), threeDots],
  [/^codeberg\.org$/, threeDots],
  [named('gitea|forgejo'), threeDots],
];

const HASH = /^[\da-f]{7,64}$/i;

/**
 * The page on which the host of a repository shows what a build changes compared with the live one. Null for an unknown host,
 * an address without a repository, and commits that are not hashes.
 */
export function compareUrl(address: string, live: string, build: string): string | null {
  const page = repositoryPage(address);
  if (page === null || !/^\/[^/]+\/[^/]+/.test(page.pathname)) return null;
  if (!HASH.test(live) || !HASH.test(build)) return null;
  const [, make] = HOSTS.find(([host]) => host.test(page.hostname)) ?? [];
  return make?.({ page, live, build }) ?? null;
}
