import { Code, ConnectError } from '@connectrpc/connect';
import { type Api, apiAt, signedIn } from '../api.ts';
import type { DemoState, Username } from './state.ts';

export const organisation = 'acme';

/** The API as each user of the demo calls it. */
export type People = Readonly<Record<Username, Api>>;

/** Ignores `already_exists`: an earlier start has created it. */
export async function unlessExists(work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (ConnectError.from(error).code !== Code.AlreadyExists) throw error;
  }
}

const email = (username: Username) => `${username}@acme.example`;

async function register(url: string, state: DemoState, username: Username): Promise<void> {
  const password = state.passwords[username];
  await unlessExists(apiAt(url).users.register({ username, email: email(username), password }));
}

async function setUp(url: string, state: DemoState, token: string): Promise<void> {
  const password = state.passwords.admin;
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
  if (found === undefined) throw new Error(`No organisation ${organisation} on this server`);
  return found.organisationId;
}

async function join(admin: Api, username: Username): Promise<void> {
  const { user } = await admin.users.getUser({ identifier: { case: 'username', value: username } });
  const request = { organisationId: await organisationId(admin), userId: user?.userId ?? '', role: 'member' };
  await unlessExists(admin.organisations.addMember(request));
}

/**
 * Creates the four users and their organisation where they are missing, and signs them in. `token` is the one-time
 * set-up token of an empty server, else null.
 */
export async function createPeople(url: string, state: DemoState, token: string | null): Promise<People> {
  if (token !== null) await setUp(url, state, token);
  const as = (username: Username) => signedIn(url, username, state.passwords[username]);
  let admin: Api;
  try {
    admin = await as('admin');
  } catch (error) {
    if (ConnectError.from(error).code !== Code.Unauthenticated) throw error;
    throw new Error(
      "This database was not created by the demo, or its admin's password has changed. " +
        'Set DATA_DIR to an empty folder, or delete the current one.',
    );
  }
  const members = ['author', 'reviewer', 'reviewer-two'] as const;
  for (const username of members) {
    if (state.isDone(`member ${username}`)) continue;
    await register(url, state, username);
    await join(admin, username);
    state.setDone(`member ${username}`);
  }
  const [author, reviewer, reviewerTwo] = await Promise.all(members.map(as));
  if (author === undefined || reviewer === undefined || reviewerTwo === undefined)
    throw new Error('A user is missing');
  return { author, reviewer, 'reviewer-two': reviewerTwo, admin };
}
