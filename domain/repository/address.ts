/** Addresses of Git repositories: `https://host/path`, `ssh://user@host/path`, `user@host:path` or `host/path`. */

const WITH_SCHEME = /^([a-z][a-z\d+.-]*:\/\/)([^/?#]*)(.*)$/i;
const WITH_USER_AND_PATH = /^[^:/@]+@([^:/@]+):(.+)$/;

/**
 * The address, of a repository or a web page, without user and password. Only the user of `ssh://` stays, because every clone
 * needs it.
 */
export function withoutCredentials(address: string): string {
  const [, scheme, authority = '', rest = ''] = WITH_SCHEME.exec(address) ?? [];
  if (scheme === undefined)
    return WITH_USER_AND_PATH.test(address) ? address : address.replace(/^[^/]*@/, '');
  // A password with a slash ends the authority too early.
  if (!URL.canParse(address)) return `${scheme}${address.slice(address.lastIndexOf('@') + 1)}`;
  const host = authority.slice(authority.lastIndexOf('@') + 1);
  const user = authority.slice(0, authority.length - host.length).replace(/:.*|@$/, '');
  return `${scheme}${/^ssh:/i.test(scheme) && user !== '' ? `${user}@` : ''}${host}${rest}`;
}

/** The address of a repository as it is stored: without credentials, which can also be in its query. */
export const storedAddress = (address: string): string => withoutCredentials(address).replace(/[?#].*$/, '');

/** The web page of a repository, by HTTPS unless its address says HTTP; null when the address has none. */
export function repositoryPage(address: string): URL | null {
  const [, host, path] = WITH_USER_AND_PATH.exec(address) ?? [];
  const text =
    host !== undefined
      ? `https://${host}/${path}`
      : WITH_SCHEME.test(address)
        ? address
        : `https://${address}`;
  if (!URL.canParse(text)) return null;
  const url = new URL(text);
  const isWeb = url.protocol === 'https:' || url.protocol === 'http:';
  const origin = isWeb ? url.origin : `https://${url.hostname}`;
  const page = `${origin}${url.pathname.replace(/\/+$/, '').replace(/\.git$/, '')}`;
  return URL.canParse(page) ? new URL(page) : null;
}
