import { expect, test } from 'vitest';
import { createLog } from './log.ts';

/** What a log that everything may be told to writes. */
function logged(fields: object, words = 'words'): string {
  let text = '';
  const log = createLog('trace', {
    write: (line: string) => {
      text += line;
    },
  });
  log.error(fields, words);
  JSON.parse(text);
  return text;
}

test.each<[string, object]>([
  ['a header', { headers: { authorization: 'Basic planted', 'set-cookie': ['a=planted; Path=/'] } }],
  ['a cookie', { request: { cookie: 'forage_session=planted' } }],
  ['a password with quotes in it', { body: { password: 'a "quoted\\" planted' } }],
  ['a token of ours', { words: 'used forage_p_plantedplantedplanted twice' }],
  ['a webhook’s secret', { url: 'x', metadata: 'whsec_plantedplanted/+==' }],
  ['a bearer token in words', { words: 'Authorization: Bearer plantedplanted' }],
  [
    'a database’s address',
    { err: new Error('cannot reach postgres://forage:planted@db.example:5432/forage') },
  ],
  ['two addresses', { natsUrl: 'nats://a:planted@one,nats://b:planted@two' }],
  [
    'a row that broke a rule',
    { err: Object.assign(new Error('x'), { detail: 'Failing row contains (1, planted, "x").' }) },
  ],
])('%s is hidden', (_, fields) => {
  expect(logged(fields)).not.toContain('planted');
  expect(logged(fields)).toContain('[hidden]');
});

test('in the message, too', () => {
  expect(logged({}, 'token forage_s_plantedplantedplanted')).not.toContain('planted');
});

test('what is no secret stays', () => {
  const fields = { tokenId: 'abc', credential: 'personal', url: 'https://deploy.example:8080/a@b', n: 1 };
  expect(JSON.parse(logged(fields))).toMatchObject(fields);
});

test('a line of any length takes time in proportion', () => {
  for (const text of ['"password":"', 'forage_p_', '://a:', 'Bearer ', '://', '"token":["', '\\']) {
    const long = text.repeat(200_000 / text.length);
    const began = performance.now();
    logged({ long });
    expect(performance.now() - began, text).toBeLessThan(2_000);
  }
});
