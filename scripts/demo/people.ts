import { Code, ConnectError } from '@connectrpc/connect';
import { type Api, apiAt, signedIn } from '../api.ts';
import type { Notebook, Username } from './notebook.ts';

export const organisation = 'acme';

/** The API, as each person of the demo calls it. */
export type People = Readonly<Record<Username, Api>>;

/** Runs something that may have been done by an earlier start. */
export async function unlessThere(work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (ConnectError.from(error).code !== Code.AlreadyExists) throw error;
  }
}

const email = (username: Username) => `${username}@acme.example`;

async function register(url: string, notebook: Notebook, username: Username): Promise<void> {
  const password = notebook.passwords[username];
  await unlessThere(apiAt(url).users.register({ username, email: email(username), password }));
}

async function setUp(url: string, notebook: Notebook, token: string): Promise<void> {
  const password = notebook.passwords.admin;
  await apiAt(url).sessions.setUp({
    token,
    organisation,
    username: 'admin',
    email: email('admin'),
    password,
  });
}

async function organisationId(admin: Api): Promise<string> {
  const { organisation: found } = await admin.organisations.getOrganisation({
    identifier: { case: 'name', value: organisation },
  });
  if (found === undefined) throw new Error(`there is no organisation ${organisation} on this server`);
  return found.organisationId;
}

async function join(admin: Api, username: Username): Promise<void> {
  const { user } = await admin.users.getUser({ identifier: { case: 'username', value: username } });
  const request = { organisationId: await organisationId(admin), userId: user?.userId ?? '', role: 'member' };
  await unlessThere(admin.organisations.addMember(request));
}

/**
 * Makes the four people and their organisation where they are missing, and signs them in. `token` is the one-time
 * set-up token of an empty server, else null.
 */
export async function gatherPeople(url: string, notebook: Notebook, token: string | null): Promise<People> {
  if (token !== null) await setUp(url, notebook, token);
  const as = (username: Username) => signedIn(url, username, notebook.passwords[username]);
  let admin: Api;
  try {
    admin = await as('admin');
  } catch (error) {
    if (ConnectError.from(error).code !== Code.Unauthenticated) throw error;
    throw new Error(
      'This database was set up by something else than this demo, or its admin has a new password. ' +
        'Give the demo a folder of its own (DATA_DIR), or remove the one it has.',
    );
  }
  const members = ['author', 'reviewer', 'reviewer-two'] as const;
  for (const username of members) {
    if (notebook.isTold(`member ${username}`)) continue;
    await register(url, notebook, username);
    await join(admin, username);
    notebook.setTold(`member ${username}`);
  }
  const [author, reviewer, reviewerTwo] = await Promise.all(members.map(as));
  if (author === undefined || reviewer === undefined || reviewerTwo === undefined)
    throw new Error('nobody came');
  return { author, reviewer, 'reviewer-two': reviewerTwo, admin };
}
