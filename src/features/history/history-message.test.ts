import { create } from '@bufbuild/protobuf';
import { expect, test } from 'vitest';
import { HistoryEntrySchema } from '#src/gen/forest/v1/policies_pb.ts';
import { kindGroups, kindsOf } from './event-kinds.ts';
import { commentOf, historyMessage } from './history-message.ts';

type Fields = Parameters<typeof create<typeof HistoryEntrySchema>>[1];

const base = { organisation: 'acme', project: 'checkout' };
const person = { ...base, actorUserId: 'some-id', actorUsername: 'reviewer' };
const release = {
  releaseIntentId: 'intent',
  slug: 'round-half-up',
  title: 'Round half up',
  version: '1.5.0',
};

const textOf = (fields: Fields) =>
  historyMessage(create(HistoryEntrySchema, fields))
    .map((part) => (typeof part === 'string' ? part : part.name))
    .join('');
const linksOf = (fields: Fields) =>
  historyMessage(create(HistoryEntrySchema, fields)).flatMap((part) =>
    typeof part === 'object' && part.to ? [part.to] : [],
  );

test.each<[message: string, fields: Fields]>([
  [
    'reviewer approved checkout 1.5.0 for production',
    { ...person, ...release, kind: 'approval.approved', subject: 'production for round-half-up' },
  ],
  [
    'reviewer bypassed the approval of checkout 1.5.0 for production',
    { ...person, ...release, kind: 'approval.bypassed', subject: 'production for round-half-up' },
  ],
  [
    'reviewer approved checkout: Round half up for production',
    {
      ...person,
      ...release,
      version: undefined,
      kind: 'approval.approved',
      subject: 'production for round-half-up',
    },
  ],
  [
    'reviewer approved production for an-older-name in checkout',
    { ...person, kind: 'approval.approved', subject: 'production for an-older-name' },
  ],
  [
    'reviewer requested the release of checkout 1.5.0',
    { ...person, ...release, kind: 'release.requested', subject: 'round-half-up' },
  ],
  [
    'reviewer retried checkout 1.5.0, stage production',
    { ...person, ...release, kind: 'stage.retried', subject: 'production for round-half-up' },
  ],
  [
    'reviewer annotated checkout 1.6.0',
    {
      ...person,
      kind: 'artifact.annotated',
      subject: 'add-danish',
      after: { title: 'Add Danish', version: '1.6.0' },
    },
  ],
  [
    'reviewer changed policy four-eyes in checkout',
    { ...person, kind: 'policy.updated', subject: 'four-eyes' },
  ],
  [
    'reviewer deleted policy four-eyes in checkout',
    { ...person, kind: 'policy.deleted', subject: 'four-eyes' },
  ],
  ['reviewer created project checkout', { ...person, kind: 'project.created', subject: 'checkout' }],
  [
    'reviewer added member author',
    { ...person, project: undefined, kind: 'member.added', subject: 'member author' },
  ],
  [
    'reviewer signed in',
    { ...person, project: undefined, kind: 'account.signed_in', subject: 'user reviewer' },
  ],
  [
    'reviewer comet sighted halley',
    { ...person, project: undefined, kind: 'comet.sighted', subject: 'halley' },
  ],
  [
    'Production opened for checkout 1.5.0: 2/2 approvals, soaked 30m in staging',
    {
      ...base,
      ...release,
      kind: 'gate.opened',
      subject: 'production for round-half-up',
      after: {
        environment: 'production',
        policies: [
          { policyName: 'four-eyes', reason: '2/2 approvals' },
          { policyName: 'soak', reason: 'soaked 30m in staging' },
        ],
      },
    },
  ],
  [
    'Production opened for checkout 1.5.0: no policy',
    {
      ...base,
      ...release,
      kind: 'gate.opened',
      subject: 'production for round-half-up',
      after: { environment: 'production', policies: [] },
    },
  ],
  [
    'checkout 1.5.0 deployed to production/eu-west',
    {
      ...base,
      ...release,
      kind: 'deployment.succeeded',
      subject: 'round-half-up on production/eu-west',
      after: { environment: 'production', destination: 'eu-west' },
    },
  ],
  [
    'Deployment of checkout 1.5.0 to production/eu-west failed: no room',
    {
      ...base,
      ...release,
      kind: 'deployment.failed',
      subject: 'round-half-up on production/eu-west',
      after: { environment: 'production', destination: 'eu-west', error: 'no room' },
    },
  ],
  [
    'Release of checkout 1.5.0 superseded in production by add-danish',
    {
      ...base,
      ...release,
      kind: 'release.superseded',
      subject: 'production for round-half-up',
      after: { stage: 'production', by: 'add-danish' },
    },
  ],
  [
    'Newer builds held back from production after the rollback to checkout 1.5.0',
    {
      ...base,
      ...release,
      kind: 'hold.began',
      subject: 'production after the rollback to round-half-up',
      after: { environment: 'production', replaces: null },
    },
  ],
  [
    'Hold of production ended, because checkout 1.5.0 is live',
    { ...base, ...release, kind: 'hold.ended', subject: 'production', after: { by: 'round-half-up' } },
  ],
  [
    'Forage reset the password of user author',
    { organisation: 'acme', kind: 'account.password_reset', subject: 'user author' },
  ],
])('%s', (message, fields) => {
  expect(textOf(fields)).toBe(message);
});

test('links releases, environments, policies and projects, but nothing that is deleted', () => {
  const approval = {
    ...person,
    ...release,
    kind: 'approval.approved',
    subject: 'production for round-half-up',
  };
  expect(linksOf(approval)).toEqual([
    '/orgs/acme/projects/checkout/releases/round-half-up?release=intent',
    '/orgs/acme/projects/checkout#env-production',
  ]);
  const opened = { ...base, ...release, kind: 'gate.opened', after: { environment: 'production' } };
  expect(linksOf(opened)[0]).toBe('/orgs/acme/projects/checkout#env-production');
  const deployed = { ...opened, kind: 'deployment.succeeded' };
  expect(linksOf(deployed)[1]).toBe('/orgs/acme/projects/checkout#env-production');
  // Environments belong to the organisation.
  const created = { ...person, project: undefined, kind: 'environment.created', subject: 'production' };
  expect(linksOf(created)).toEqual(['/orgs/acme/environments']);
  const policy = { ...person, kind: 'policy.updated', subject: 'four-eyes' };
  expect(linksOf(policy)).toEqual([
    '/orgs/acme/projects/checkout/policies/four-eyes',
    '/orgs/acme/projects/checkout',
  ]);
  expect(linksOf({ ...policy, kind: 'policy.deleted' })).toEqual(['/orgs/acme/projects/checkout']);
});

test('finds comments and reasons', () => {
  const comment = (after: Record<string, string | null>) => commentOf(create(HistoryEntrySchema, { after }));
  expect(comment({ comment: 'Read.' })).toBe('Read.');
  expect(comment({ comment: null, reason: 'Superseded.' })).toBe('Superseded.');
  expect(comment({})).toBe('');
});

test('knows the kinds of a group and single kinds', () => {
  expect(kindsOf('sign-ins')).toContain('account.signed_in');
  expect(kindsOf('policy.created')).toEqual(['policy.created']);
  expect(kindsOf('comet.sighted')).toBeUndefined();
  const all = kindGroups.flatMap(({ kinds }) => kinds);
  expect(new Set(all).size).toBe(all.length);
});
