import { expect, test } from 'vitest';
import { compareUrl } from './compare-url.ts';

const LIVE = 'a'.repeat(40);
const BUILD = 'b'.repeat(40);
const dots = `compare/${LIVE}...${BUILD}`;
const azure = `branchCompare?baseVersion=GC${LIVE}&targetVersion=GC${BUILD}`;
const server = `compare/commits?sourceBranch=${BUILD}&targetBranch=${LIVE}`;

test.each([
  ['https://github.com/acme/shop', `https://github.com/acme/shop/${dots}`],
  ['https://github.com/acme/shop.git/', `https://github.com/acme/shop/${dots}`],
  ['https://ci:hunter2@github.com/acme/shop.git?token=hunter2', `https://github.com/acme/shop/${dots}`],
  ['git@github.com:acme/shop.git', `https://github.com/acme/shop/${dots}`],
  ['ssh://git@github.com:22/acme/shop.git', `https://github.com/acme/shop/${dots}`],
  ['git://github.com/acme/shop.git', `https://github.com/acme/shop/${dots}`],
  ['github.com/acme/shop', `https://github.com/acme/shop/${dots}`],
  ['https://github.acme.example:8443/acme/shop', `https://github.acme.example:8443/acme/shop/${dots}`],
  ['http://gitlab.internal/acme/web/shop', `http://gitlab.internal/acme/web/shop/-/${dots}`],
  ['git@gitlab.com:acme/web/shop.git', `https://gitlab.com/acme/web/shop/-/${dots}`],
  ['ssh://git@gitlab.acme.example:2222/acme/shop', `https://gitlab.acme.example/acme/shop/-/${dots}`],
  [
    'https://bitbucket.org/acme/shop.git',
    `https://bitbucket.org/acme/shop/branches/compare/${BUILD}..${LIVE}`,
  ],
  ['git@bitbucket.org:acme/shop.git', `https://bitbucket.org/acme/shop/branches/compare/${BUILD}..${LIVE}`],
  [
    'https://bitbucket.acme.example/scm/web/shop.git',
    `https://bitbucket.acme.example/projects/web/repos/shop/${server}`,
  ],
  [
    'ssh://git@bitbucket.acme.example:7999/web/shop.git',
    `https://bitbucket.acme.example/projects/web/repos/shop/${server}`,
  ],
  ['https://codeberg.org/acme/shop', `https://codeberg.org/acme/shop/${dots}`],
  ['git@gitea.acme.example:acme/shop.git', `https://gitea.acme.example/acme/shop/${dots}`],
  ['https://forgejo.acme.example/acme/shop', `https://forgejo.acme.example/acme/shop/${dots}`],
  ['https://acme@dev.azure.com/acme/web/_git/shop', `https://dev.azure.com/acme/web/_git/shop/${azure}`],
  ['git@ssh.dev.azure.com:v3/acme/web/shop', `https://dev.azure.com/acme/web/_git/shop/${azure}`],
  ['https://acme.visualstudio.com/web/_git/shop', `https://acme.visualstudio.com/web/_git/shop/${azure}`],
  ['acme@vs-ssh.visualstudio.com:v3/acme/web/shop', `https://dev.azure.com/acme/web/_git/shop/${azure}`],
  ['https://github.com/"><script>/shop', `https://github.com/%22%3E%3Cscript%3E/shop/${dots}`],
  ['https://git.acme.example/acme/shop', null],
  ['https://notgithub.example/acme/shop', null],
  ['https://github.com/acme', null],
  ['https://dev.azure.com/acme/web', null],
  ['javascript:alert(1)', null],
  ['../shop', null],
  ['', null],
])('%s has its comparison at %s', (address, url) => expect(compareUrl(address, LIVE, BUILD)).toBe(url));

test.each([['v1.0.0'], ['abc'], [`${LIVE}/../..`]])('%s is not a hash, and has no comparison', (commit) => {
  expect(compareUrl('https://github.com/acme/shop', commit, BUILD)).toBeNull();
  expect(compareUrl('https://github.com/acme/shop', LIVE, commit)).toBeNull();
});
