import { expect, test } from 'vitest';
import { createLog } from './log.ts';

/** A line as the log writes it. */
function logged(fields: object, message = 'message'): string {
  let text = '';
  const log = createLog('trace', {
    write: (line: string) => {
      text += line;
    },
  });
  log.error(fields, message);
  JSON.parse(text);
  return text;
}

test.each<[string, object]>([
  ['a header', { headers: { authorization: 'Basic planted', 'set-cookie': ['a=planted; Path=/'] } }],
  ['a cookie', { request: { cookie: 'forage_session=planted' } }],
  ['a password with quotes in it', { body: { password: 'a "quoted\\" planted' } }],
  ['a token of ours', { message: 'used forage_p_plantedplantedplanted twice' }],
  ['a webhook’s secret', { url: 'x', metadata: 'whsec_plantedplanted/+==' }],
  ['a bearer token in the message', { message: 'Authorization: Bearer plantedplanted' }],
  [
    'a database’s address',
    { err: new Error('cannot reach postgres://forage:planted@db.example:5432/forage') },
  ],
  ['two addresses', { natsUrl: 'nats://a:planted@one,nats://b:planted@two' }],
  [
    'a row that broke a rule',
    { err: Object.assign(new Error('x'), { detail: 'Failing row contains (1, planted, "x").' }) },
  ],
])('redacts %s', (_, fields) => {
  expect(logged(fields)).not.toContain('planted');
  expect(logged(fields)).toContain('[hidden]');
});

test('redacts the message too', () => {
  expect(logged({}, 'token forage_s_plantedplantedplanted')).not.toContain('planted');
});

test('keeps text that is not a secret', () => {
  const fields = { tokenId: 'abc', credential: 'personal', url: 'https://deploy.example:8080/a@b', n: 1 };
  expect(JSON.parse(logged(fields))).toMatchObject(fields);
});

test('takes linear time', () => {
  for (const text of ['"password":"', 'forage_p_', '://a:', 'Bearer ', '://', '"token":["', '\\']) {
    // Quadratic time would exceed the timeout of the test.
    const long = text.repeat(1_000_000 / text.length);
    expect(logged({ long }).length).toBeGreaterThan(0);
  }
});
