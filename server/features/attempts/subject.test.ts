import { expect, test } from 'vitest';
import { ownPasswordAttempt, signInAttempt, tokenAttempt } from './subject.ts';

const hex = (identifier: string, address = '192.0.2.1') =>
  signInAttempt(identifier, address).account?.toString('hex');

test.each(['Admin', ' admin ', 'ADMIN', 'adm\u0130n', 'ａｄｍｉｎ', 'a\u0301dmin'])(
  '%j counts as admin, without free attempts of its own',
  (spelling) => {
    expect(hex(spelling)).toBe(hex('admin'));
  },
);

test('other names, addresses and kinds of attempts count separately', () => {
  const subject = signInAttempt('admin', '192.0.2.1');
  expect(hex('admin2')).not.toBe(hex('admin'));
  const elsewhere = signInAttempt('admin', '192.0.2.2');
  expect(elsewhere.account).toEqual(subject.account);
  expect(elsewhere.address).not.toEqual(subject.address);
  expect(elsewhere.accountAtAddress).not.toEqual(subject.accountAtAddress);
  expect(ownPasswordAttempt('admin', '192.0.2.1').account).not.toEqual(subject.account);
  expect(tokenAttempt('192.0.2.1').address).not.toEqual(subject.address);
});
