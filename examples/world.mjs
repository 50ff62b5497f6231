// Creates an organisation with people, a project and a release that waits for two approvals, by `fetch` alone. For tests of your own:
// copy it, or run it against a server with FORAGE_REGISTRATION=open:
//   node world.mjs http://127.0.0.1:8080 [set-up token of an empty server]
// It prints what it created as JSON.
import { randomUUID } from 'node:crypto';
import { pathToFileURL } from 'node:url';

export const password = 'correct horse battery staple';

/** Calls a method with JSON. Throws an error with Connect's `code` and the server's message where the server refuses. */
export async function call(url, method, request, accessToken) {
  const response = await fetch(`${url}/forest.v1.${method}`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(accessToken === undefined ? {} : { authorization: `Bearer ${accessToken}` }),
    },
    body: JSON.stringify(request),
  });
  const answer = await response.json();
  if (response.ok) return answer;
  throw Object.assign(new Error(`${method}: ${answer.message}`), { code: answer.code });
}

/** Creates the first admin of an empty server, with the token of the link that the server printed. Once per server. */
export async function setUp(url, token) {
  const admin = { organisation: 'first', username: 'founder', email: 'founder@example.com', password };
  await call(url, 'SessionService/SetUp', { token, ...admin });
}

/** Registers a user. */
async function register(url, username) {
  const request = { username, email: `${username}@example.com`, password };
  const { user, tokens } = await call(url, 'UsersService/Register', request);
  return { userId: user.userId, username, password, accessToken: tokens.accessToken };
}

/** A new organisation for each call, so that tests do not see each other's data. */
export async function createWorld(url) {
  const suffix = randomUUID().slice(0, 8);
  const organisation = `org-${suffix}`;
  const project = { organisation, project: 'checkout' };
  const [admin, author, reviewer, reviewerTwo] = await Promise.all(
    ['admin', 'author', 'reviewer', 'reviewer-two'].map((name) => register(url, `${name}-${suffix}`)),
  );
  const asAdmin = (method, request) => call(url, method, request, admin.accessToken);

  const { organisationId } = await asAdmin('OrganisationService/CreateOrganisation', { name: organisation });
  for (const { userId } of [author, reviewer, reviewerTwo]) {
    await asAdmin('OrganisationService/AddMember', { organisationId, userId, role: 'member' });
  }
  await asAdmin('ReleaseService/CreateProject', project);
  for (const [sortOrder, name] of ['staging', 'production'].entries()) {
    await asAdmin('EnvironmentService/CreateEnvironment', { organisation, name, sortOrder });
    await asAdmin('DestinationService/CreateDestination', {
      organisation,
      environment: name,
      name: `${name}-eu`,
      type: { organisation: 'forage', name: 'noop', version: '1' },
      // seconds: how long a deployment takes; fail: 'true' makes it fail with fail_message.
      metadata: { seconds: '0' },
    });
  }
  await asAdmin('PolicyService/CreatePolicy', {
    project,
    name: 'two-approvals',
    policyType: 'POLICY_TYPE_EXTERNAL_APPROVAL',
    approval: { targetEnvironment: 'production', requiredApprovals: 2 },
  });

  const { artifact } = await call(
    url,
    'ReleaseService/AnnotateRelease',
    { project, context: { title: 'A build' }, ref: { commitSha: 'a'.repeat(40), branch: 'main' } },
    author.accessToken,
  );
  const { intents } = await call(
    url,
    'ReleaseService/Release',
    { artifactId: artifact.artifactId, environments: ['production'] },
    author.accessToken,
  );
  return {
    url,
    organisation,
    organisationId,
    project,
    people: { admin, author, reviewer, reviewerTwo },
    artifact: { artifactId: artifact.artifactId, slug: artifact.slug },
    releaseIntentId: intents[0].releaseIntentId,
    address: `${url}/orgs/${organisation}/projects/checkout/releases/${artifact.slug}`,
  };
}

/** Approves the world's release as one of its people. The answer's `state` has the count. */
export function approve({ url, project, releaseIntentId }, person, comment) {
  const vote = { project, releaseIntentId, targetEnvironment: 'production', comment };
  return call(url, 'PolicyService/ApproveRelease', vote, person.accessToken);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const [url, token] = process.argv.slice(2);
  if (token !== undefined) await setUp(url, token);
  console.log(JSON.stringify(await createWorld(url), null, 2));
}
