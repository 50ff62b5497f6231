// A separate process, so that the server stays small. Reads DEMO_URL, DEMO_STATE (a file) and DEMO_SET_UP_TOKEN (empty when the
// server has been set up).
import { ConnectError } from '@connectrpc/connect';
import { commitsOfCheckout } from './commits.ts';
import { createPeople } from './people.ts';
import { MAX_BUILDS, runScenario } from './scenario.ts';
import { openState, usernames } from './state.ts';

const { DEMO_URL: url = '', DEMO_STATE: path = '', DEMO_SET_UP_TOKEN: token = '' } = process.env;
const state = openState(path);
try {
  const people = await createPeople(url, state, token === '' ? null : token);
  await runScenario(people, state, await commitsOfCheckout(MAX_BUILDS));
  const width = Math.max(...usernames.map((name) => name.length));
  console.log(
    [
      '',
      `Forage's demo is ready on ${url}`,
      '',
      ...usernames.map((name) => `  ${name.padEnd(width)}  ${state.passwords[name]}`),
      '',
      '  author requests releases, reviewer and reviewer-two approve, admin can bypass and change policies.',
      `  Project: ${url}/orgs/acme/projects/checkout`,
      '',
    ].join('\n'),
  );
} catch (error) {
  const reason =
    error instanceof ConnectError ? error.message : error instanceof Error ? error.message : error;
  console.error(`The demo data could not be created: ${reason}`);
  process.exitCode = 1;
}
