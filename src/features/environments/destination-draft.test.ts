import { create } from '@bufbuild/protobuf';
import { Code } from '@connectrpc/connect';
import { expect, it } from 'vitest';
import { DestinationTypeSchema } from '#src/gen/forest/v1/destinations_pb.ts';
import { missing, refusalProblems, typeName, wireSettings } from './destination-draft.ts';

const webhook = create(DestinationTypeSchema, {
  organisation: 'forage',
  name: 'webhook',
  version: 1n,
  fields: [
    { name: 'url', label: 'URL', required: true, fieldType: 'url' },
    { name: 'secret', label: 'Signing secret', required: true, fieldType: 'secret' },
  ],
});

const refusal = (fieldErrors: Record<string, string>) => ({
  code: Code.InvalidArgument,
  message: 'the request is not valid',
  fieldErrors,
  otherProblems: [],
});

it('names a type as people write it', () => {
  expect(typeName(webhook)).toBe('forage/webhook@1');
});

it('sends what the type knows and what holds something: an empty secret stays as it is', () => {
  const settings = { url: 'https://example.com', secret: '', seconds: '5' };
  expect(wireSettings(webhook, { name: 'hook', type: 'forage/webhook@1', settings })).toEqual({
    url: 'https://example.com',
  });
});

it('puts a refusal at its fields, as sentences', () => {
  const found = refusalProblems(webhook, refusal({ 'metadata["secret"]': 'is required', name: 'Too long.' }));
  expect(found).toEqual({ name: 'Too long.', settings: { secret: 'Signing secret is required.' } });
});

it('keeps words about what has no field, and the message where there are none', () => {
  expect(refusalProblems(webhook, refusal({ environment: 'there is none' })).form).toBe(
    'environment: there is none',
  );
  expect(refusalProblems(webhook, refusal({})).form).toBe('the request is not valid');
});

it('says what is still to be filled in; a secret that stands may stay', () => {
  const draft = { name: '', type: 'forage/webhook@1', settings: {} };
  expect(missing(webhook, draft, false)).toEqual({
    name: 'Give the destination a name.',
    settings: { url: 'URL is required.', secret: 'Signing secret is required.' },
  });
  expect(missing(undefined, { ...draft, name: 'hook' }, false)?.type).toMatch(/Choose/);
  const edited = { ...draft, name: 'hook', settings: { url: 'https://example.com' } };
  expect(missing(webhook, edited, true)).toBeNull();
});
