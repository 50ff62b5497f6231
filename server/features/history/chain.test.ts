import fc from 'fast-check';
import { expect, test } from 'vitest';
import { canonicalJson, contentHash, contentJson, FIRST_PREVIOUS_HASH, linkHash } from './chain.ts';

test('writes canonical JSON as the examples of RFC 8785', () => {
  const value = {
    '\u20ac': 'Euro Sign',
    '\r': 'Carriage Return',
    '\ufb33': 'Hebrew Letter Dalet With Dagesh',
    '1': 'One',
    '\ud83d\ude00': 'Emoji: Grinning Face',
    '\u0080': 'Control',
    '\u00f6': 'Latin Small Letter O With Diaeresis',
  };
  expect(canonicalJson(value)).toBe(
    '{"\\r":"Carriage Return","1":"One","\u0080":"Control","ö":"Latin Small Letter O With Diaeresis",' +
      '"€":"Euro Sign","😀":"Emoji: Grinning Face","\ufb33":"Hebrew Letter Dalet With Dagesh"}',
  );
  expect(canonicalJson('\u20ac$\u000f\nA\'B"\\\\"/\u007f')).toBe('"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/\u007f"');
  expect(canonicalJson([null, true, -0, 1, 1e21, 4.5, 1e-27, [], {}, { b: undefined, a: [1] }])).toBe(
    '[null,true,0,1,1e+21,4.5,1e-27,[],{},{"a":[1]}]',
  );
  const deep = '['.repeat(5000) + ']'.repeat(5000);
  expect(canonicalJson(JSON.parse(deep))).toBe(deep);
});

test.each([
  ['a lone surrogate', '\ud800'],
  ['NaN', { a: Number.NaN }],
  ['nothing', undefined],
])('refuses %s, which has no canonical JSON', (_, value) => {
  expect(() => canonicalJson(value)).toThrow();
});

test('does not depend on the order of keys', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string({ unit: 'grapheme' }), fc.jsonValue()), (value) => {
      const reversed = Object.fromEntries(Object.entries(value).reverse());
      expect(canonicalJson(reversed)).toBe(canonicalJson(value));
    }),
  );
});

/** As servers before this test wrote them. */
const STORED = {
  json:
    '{"actor_id":"0192f0a1-0000-7000-8000-000000000002","actor_username":"admin","address":"192.0.2.1",' +
    '"at":"2026-11-30T08:50:32.000Z","before":{"":{},"z":[null,true,-5,{"a":"\\u0001\\n\\"\\\\ü\u007f","b":""}],' +
    '"😀":2,"\ue000":1},"credential_kind":"session","kind":"policy.updated",' +
    '"organisation_id":"0192f0a1-0000-7000-8000-000000000001","request_id":"r-1","subject":"policy “main only” 🌲"}',
  content: 'edfd157c227f0bbf76b3b97a88a22d8c23a2d0b24041b4b916d4bbd3718657b8',
  hash: '2bfc08e25d413d26f798b88f589c0dc7c61e5c1cdd9e6267c5bdbe01f4aefd7a',
};

test('hashes an entry as the histories that are already stored', () => {
  const json = contentJson({
    organisation_id: '0192f0a1-0000-7000-8000-000000000001',
    project_id: null,
    release_intent_id: null,
    at: '2026-11-30T08:50:32.000Z',
    kind: 'policy.updated',
    actor_id: '0192f0a1-0000-7000-8000-000000000002',
    actor_username: 'admin',
    credential_id: null,
    credential_kind: 'session',
    address: '192.0.2.1',
    request_id: 'r-1',
    subject: 'policy “main only” 🌲',
    before: { z: [null, true, -5, { b: '', a: '\u0001\n"\\ü\u007f' }], '\ue000': 1, '😀': 2, '': {} },
    after: null,
  });
  expect(json).toBe(STORED.json);
  const content = contentHash(json);
  expect(content.toString('hex')).toBe(STORED.content);
  expect(linkHash(FIRST_PREVIOUS_HASH, 1, content).toString('hex')).toBe(STORED.hash);
});
