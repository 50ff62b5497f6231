import { expect, test } from 'vitest';
import { domainOf, usernames } from './claims.ts';

const USERNAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

test.each([
  ['ada', 'x@example.com', 'ada'],
  ['ada@corp.example', 'x@example.com', 'ada'],
  [null, 'grace.hopper@example.com', 'grace.hopper'],
  ['', 'grace@example.com', 'grace'],
  ['José Núñez', 'x@example.com', 'Jose-Nunez'],
  ['../../etc', 'x@example.com', 'etc'],
  ['李', '李@example.com', 'user'],
  ['a'.repeat(300), 'x@example.com', 'a'.repeat(58)],
  ['<script>', 'x@example.com', 'script'],
])('the username for %j with the address %s is %s', (preferred, email, expected) => {
  const names = usernames(preferred, email, 'R4ndom_x');
  expect(names[0]).toBe(expected);
  expect(names[1]).toBe(`${expected}-2`);
  expect(new Set(names).size).toBe(names.length);
  for (const name of names) expect(name).toMatch(USERNAME);
});

test.each([
  ['ada@example.com', 'example.com'],
  ['Ada@Example.COM', 'example.com'],
  ['ada@sub.example.com', 'sub.example.com'],
  ['ada@evil.example@example.com', null],
  ['ada@example', null],
  ['@example.com', null],
  ['ada @example.com', null],
  ['ada@example.com\n', null],
  // Ends in a Kelvin sign, which is a `k` in lower case.
  ['ada@example.\u212A', null],
  ['ada@b\u212A.example', null],
  ['', null],
])('the domain of %j is %s', (email, domain) => expect(domainOf(email)).toBe(domain));
