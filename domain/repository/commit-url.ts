import { repositoryPage } from './address.ts';

/** How the host of a repository names the page of a commit; a server of one's own is recognised by a name such as `github.example.com`. */
const HOSTS: readonly (readonly [RegExp, string])[] = [
  [/^bitbucket\.org$/, 'commits'],
  [/(^|[.-])gitlab([.-]|$)/, '-/commit'],
  [/(^|[.-])(github|gitea|forgejo)([.-]|$)|^codeberg\.org$/, 'commit'],
];

/** The page of a commit at the host of its repository. Null for an unknown host, and a commit that is no hash. */
export function commitUrl(address: string, commit: string): string | null {
  const page = repositoryPage(address);
  if (page === null || !/^\/[^/]+\/[^/]+/.test(page.pathname) || !/^[\da-f]{7,64}$/i.test(commit))
    return null;
  const [, folder] = HOSTS.find(([host]) => host.test(page.hostname)) ?? [];
  return folder === undefined ? null : `${page.href}/${folder}/${commit}`;
}
