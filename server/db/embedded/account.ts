import { readFile, stat } from 'node:fs/promises';
import { codeOf } from './errors.ts';

/** A user and group that own the database's files and run its processes. */
export interface Account {
  uid: number;
  gid: number;
}

/**
 * The account that PostgreSQL runs as when Forage runs as root, which PostgreSQL refuses for itself: the owner of the
 * database's files, if there are any; the owner of the folder around them; else `postgres`, else `nobody`. Root is never
 * chosen, and neither is an id without an entry in /etc/passwd, because initdb looks itself up there.
 */
export async function chooseAccount(places: string[]): Promise<Account | undefined> {
  const known = await readAccounts();
  for (const place of places) {
    const owner = await ownerOf(place);
    if (owner && owner.uid !== 0 && [...known.values()].some((account) => account.uid === owner.uid))
      return owner;
  }
  return known.get('postgres') ?? known.get('nobody');
}

/** Who owns a file or folder; undefined when it is not there. */
export async function ownerOf(path: string): Promise<Account | undefined> {
  try {
    const { uid, gid } = await stat(path);
    return { uid, gid };
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

async function readAccounts(): Promise<Map<string, Account>> {
  const accounts = new Map<string, Account>();
  const text = await readFile('/etc/passwd', 'utf8').catch(() => '');
  for (const line of text.split('\n')) {
    const [name, , uid, gid] = line.split(':');
    if (name && uid && gid) accounts.set(name, { uid: Number(uid), gid: Number(gid) });
  }
  return accounts;
}
