// A process of its own, so that the server stays as small as it is without the demo. Told by the environment:
// DEMO_URL, DEMO_NOTEBOOK (a file), DEMO_SET_UP_TOKEN (empty when the server has been set up).
import { ConnectError } from '@connectrpc/connect';
import { commitsOfCheckout } from './commits.ts';
import { openNotebook, usernames } from './notebook.ts';
import { gatherPeople } from './people.ts';
import { builds, tell } from './story.ts';

const { DEMO_URL: url = '', DEMO_NOTEBOOK: path = '', DEMO_SET_UP_TOKEN: token = '' } = process.env;
const notebook = openNotebook(path);
try {
  const people = await gatherPeople(url, notebook, token === '' ? null : token);
  await tell(people, notebook, await commitsOfCheckout(builds));
  const width = Math.max(...usernames.map((name) => name.length));
  console.log(
    [
      '',
      `Forage's demo is ready on ${url}`,
      '',
      ...usernames.map((name) => `  ${name.padEnd(width)}  ${notebook.passwords[name]}`),
      '',
      '  author asks for releases, reviewer and reviewer-two approve, admin may bypass and change the rules.',
      `  Project: ${url}/orgs/acme/projects/checkout`,
      '',
    ].join('\n'),
  );
} catch (error) {
  const words =
    error instanceof ConnectError ? error.message : error instanceof Error ? error.message : error;
  console.error(`The demo could not be filled: ${words}`);
  process.exitCode = 1;
}
