import { create } from '@bufbuild/protobuf';
import { Code } from '@connectrpc/connect';
import { expect, it } from 'vitest';
import { DestinationTypeSchema } from '#src/gen/forest/v1/destinations_pb.ts';
import {
  missingProblems,
  refusalProblems,
  typeName,
  wireGracePeriod,
  wireSettings,
} from './destination-draft.ts';

const webhook = create(DestinationTypeSchema, {
  organisation: 'forage',
  name: 'webhook',
  version: 1n,
  fields: [
    { name: 'url', label: 'URL', required: true, fieldType: 'url' },
    { name: 'secret', label: 'Signing secret', required: true, fieldType: 'secret' },
  ],
});

const DRAFT = { name: 'hook', type: 'forage/webhook@1', settings: {}, gracePeriod: '' };

const refusal = (fieldErrors: Record<string, string>) => ({
  code: Code.InvalidArgument,
  message: 'the request is not valid',
  fieldErrors,
  otherProblems: [],
});

it('names a type with its organisation and version', () => {
  expect(typeName(webhook)).toBe('forage/webhook@1');
});

it('sends only settings of the type that are not empty', () => {
  const settings = { url: 'https://example.com', secret: '', seconds: '5' };
  expect(wireSettings(webhook, { ...DRAFT, settings })).toEqual({
    url: 'https://example.com',
  });
});

it('assigns a refusal to its fields', () => {
  const found = refusalProblems(webhook, refusal({ 'metadata["secret"]': 'is required', name: 'Too long.' }));
  expect(found).toEqual({ name: 'Too long.', settings: { secret: 'Signing secret is required' } });
});

it('shows a refusal without a field for the whole form', () => {
  expect(refusalProblems(webhook, refusal({ environment: 'there is none' })).form).toBe(
    'environment: there is none',
  );
  expect(refusalProblems(webhook, refusal({})).form).toBe('the request is not valid');
});

it('reports missing values, except a secret that exists', () => {
  const draft = { ...DRAFT, name: '' };
  expect(missingProblems(webhook, draft, false)).toEqual({
    name: 'Enter a name',
    settings: { url: 'URL is required', secret: 'Signing secret is required' },
  });
  expect(missingProblems(undefined, { ...draft, name: 'hook' }, false)?.type).toMatch(/Choose/);
  const edited = { ...draft, name: 'hook', settings: { url: 'https://example.com' } };
  expect(missingProblems(webhook, edited, true)).toBeNull();
});

it.each(['-1', '3601', '1.5', 'ten'])('reports %s as a grace period', (gracePeriod) => {
  const draft = { ...DRAFT, settings: { url: 'https://example.com' }, gracePeriod };
  expect(missingProblems(webhook, draft, true)).toEqual({
    gracePeriod: 'Must be a whole number from 0 to 3600',
    settings: {},
  });
  expect(missingProblems(webhook, { ...draft, gracePeriod: '0' }, true)).toBeNull();
  expect(wireGracePeriod({ ...draft, gracePeriod: ' ' })).toBeUndefined();
});
