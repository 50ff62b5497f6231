import { createServer } from 'node:http';
import { PolicyType } from '#server/gen/forest/v1/policies_pb.ts';
import type { Artifact } from '#server/gen/forest/v1/releases_pb.ts';
import type { World } from './fixtures.ts';

/** Runs a script if a page treats it as markup; `data-pwned` shows that it did. */
export const MARKUP = `<img src=x data-pwned onerror="document.documentElement.dataset.pwned='1';alert(1)">`;
/** Reverses the direction, hides a character, and opens an isolate without closing it. */
const HIDDEN = 'a\u202enimda\u200b\u2066';
/** Terminal escape sequences. */
const ESCAPES = '\u001b[31mred\u001b]0;title\u0007\u009b2J';
const OTHERS = `"><svg data-pwned onload=alert(2)></svg><script data-pwned>alert(3)</script>{{7*7}}\${7*7}<!--`;
export const LONG = 'w'.repeat(180);

/** For names, which have no control characters. */
export const NAME = `<img src=x data-pwned onerror=alert(4)>${HIDDEN}`;
/** For lines of text. */
export const LINE = `${MARKUP}${HIDDEN}${ESCAPES}`;
/** For longer texts. */
export const TEXT = `${LINE}\n${OTHERS}\n${LONG}\n👩‍👩‍👧‍👦 مشروع 123`;
/** For URLs, which must begin like one. */
export const ADDRESS = `https://evil.example/"><img/src=x/data-pwned/onerror=alert(5)>${HIDDEN}`;
/** Script URLs in spellings that have passed as addresses. */
export const SCRIPT_ADDRESSES = [
  'javascript:alert(6)',
  'JaVaScRiPt:alert(6)',
  ' javascript:alert(6)',
  'java\tscript:alert(6)',
  'data:text/html,<script>alert(6)</script>',
  'vbscript:msgbox(6)',
  'javascript://evil.example/%0aalert(6)',
] as const;

/** A receiver that answers with markup: as the text of a plan, or as the error of a deployment. */
export async function startHostileReceiver(): Promise<{ url: string; close(): void }> {
  const server = createServer(async (request, response) => {
    const chunks: Uint8Array[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const plan = JSON.parse(Buffer.concat(chunks).toString()).mode === 'plan';
    response.writeHead(plan ? 200 : 400, { 'content-type': 'text/plain' }).end(TEXT);
  });
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The receiver has no port');
  return {
    url: `http://127.0.0.1:${address.port}/deploy`,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** Builds with hostile text in every text field of the API. */
export interface HostileBuilds {
  /** Waits at the gate, with votes. */
  readonly gated: Artifact;
  /** Its deployment failed with the receiver's text. */
  readonly failed: Artifact;
  /** Its plan waits for approval. */
  readonly planned: Artifact;
}

/** Writes markup, control characters and long words into every text field of an organisation. */
export async function fillWithMarkup(world: World, receiverUrl: string): Promise<HostileBuilds> {
  const { project, organisation } = world;
  const { admin, author, reviewer, reviewerTwo } = world.people;
  await admin.api.releases.updateProject({
    ...project,
    readme: TEXT,
    description: TEXT,
    metadata: {
      gitUrl: ADDRESS,
      homepage: ADDRESS,
      docsUrl: ADDRESS,
      supportUrl: `mailto:${HIDDEN}<img/data-pwned>@example.com`,
      domain: LINE,
      owner: LINE,
    },
  });
  const { environments } = await admin.api.environments.listEnvironments({ organisation });
  for (const { id } of environments)
    await admin.api.environments.updateEnvironment({ id, description: TEXT });
  await world.addDestination('staging', 'staging-us', { fail: 'true', fail_message: TEXT });
  await admin.api.environments.createEnvironment({
    organisation,
    name: 'hooks',
    sortOrder: 7,
    description: TEXT,
  });
  await admin.api.destinations.createDestination({
    organisation,
    environment: 'hooks',
    name: 'hook',
    type: { organisation: 'forage', name: 'webhook', version: 1n },
    metadata: {
      url: receiverUrl,
      secret: `whsec_${Buffer.alloc(32, 7).toString('base64')}`,
      plans: 'true',
    },
  });
  await world.requireApprovals('production', 3, NAME);
  await admin.api.policies.createPolicy({
    project,
    name: `branch ${NAME}`,
    policyType: PolicyType.BRANCH_RESTRICTION,
    config: { case: 'branchRestriction', value: { targetEnvironment: 'hooks', branchPattern: `${NAME}|.*` } },
  });
  await world.addPipeline('planned', [
    {
      id: 'plan',
      dependsOn: [],
      config: { case: 'plan', value: { environment: 'hooks', autoApprove: false } },
    },
  ]);
  const annotate = async (title: string): Promise<Artifact> => {
    const { artifact } = await author.api.releases.annotateRelease({
      project,
      metadata: { [LINE.slice(0, 100)]: TEXT.slice(0, 4_000) },
      source: { user: LINE, email: `${NAME}@example.com`, sourceType: NAME, runUrl: ADDRESS },
      context: { title, description: TEXT, web: ADDRESS, pr: ADDRESS },
      ref: {
        commitSha: '5f0c1d2e3b4a59687786a5b4c3d2e1f001234567',
        branch: NAME,
        commitMessage: TEXT,
        version: NAME,
        repoUrl: ADDRESS,
      },
    });
    if (artifact === undefined) throw new Error('AnnotateRelease returned no artifact');
    return artifact;
  };
  const [gated, failed, planned] = [
    await annotate(LINE),
    await annotate(`${LINE} fails`),
    await annotate(`plans ${LINE}`),
  ];
  const releaseIntentId = await world.release(gated, 'production');
  await world.release(failed, 'staging', 'hooks');
  await author.api.releases.release({
    artifactId: planned.artifactId,
    usePipeline: true,
    pipeline: 'planned',
  });
  const vote = { project, releaseIntentId, targetEnvironment: 'production' };
  await reviewer.api.policies.approveRelease({ ...vote, comment: TEXT });
  await reviewerTwo.api.policies.rejectRelease({ ...vote, comment: TEXT });
  await admin.api.users.createPersonalAccessToken({ userId: admin.userId, name: NAME, scopes: ['read'] });
  const { organisations } = await admin.api.organisations.listMyOrganisations({});
  const organisationId = organisations.find(({ name }) => name === organisation)?.organisationId ?? '';
  // Names of accounts are restricted, those of tokens are free text.
  const made = await admin.api.serviceAccounts.createServiceAccount({ organisationId, name: 'ci' });
  const serviceAccountId = made.serviceAccount?.serviceAccountId ?? '';
  await admin.api.serviceAccounts.createServiceAccountToken({
    organisationId,
    serviceAccountId,
    name: NAME,
    scopes: ['read'],
  });
  return { gated, failed, planned };
}
