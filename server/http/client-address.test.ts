import { expect, test } from 'vitest';
import { clientAddress, isProxy, networkOf, ProxyListError, readProxies } from './client-address.ts';

const proxies = readProxies('10.0.0.0/8, 127.0.0.1,2001:db8::/32');
const from = (peer: string, forwarded?: string | string[]) =>
  clientAddress(peer, forwarded === undefined ? {} : { 'x-forwarded-for': forwarded as string }, proxies);

test.each([
  ['without a proxy', '192.0.2.1', undefined, '192.0.2.1'],
  ['only proxies are trusted', '192.0.2.1', '203.0.113.9', '192.0.2.1'],
  ['behind a proxy', '10.1.2.3', '203.0.113.9', '203.0.113.9'],
  ['addresses further left may be forged', '10.1.2.3', '127.0.0.1, 8.8.8.8, 203.0.113.9', '203.0.113.9'],
  ['proxies behind proxies', '10.1.2.3', '203.0.113.9, 127.0.0.1, 10.9.9.9', '203.0.113.9'],
  ['only proxies', '10.1.2.3', '10.9.9.9', '10.9.9.9'],
  ['a proxy without the header', '10.1.2.3', '', '10.1.2.3'],
  ['invalid text ends the search', '10.1.2.3', '203.0.113.9, unknown', '10.1.2.3'],
  ['IPv4 on an IPv6 socket', '::ffff:10.1.2.3', '203.0.113.9', '203.0.113.9'],
  ['without a port', '10.1.2.3', '203.0.113.9:4711', '203.0.113.9'],
  ['without brackets', '2001:db8::1', '[2001:DB9::5]:443', '2001:db9::5'],
  ['without a zone', 'fe80::1%eth0', undefined, 'fe80::1'],
])('%s', (_, peer, forwarded, expected) => {
  expect(from(peer, forwarded)).toBe(expected);
});

test('joins several headers; a closed connection has no address', () => {
  expect(from('10.1.2.3', ['8.8.8.8', '203.0.113.9'])).toBe('203.0.113.9');
  expect(clientAddress(undefined, {}, proxies)).toBeNull();
});

test('ignores the header without trusted proxies', () => {
  expect(clientAddress('10.1.2.3', { 'x-forwarded-for': '8.8.8.8' }, readProxies(''))).toBe('10.1.2.3');
});

test.each(['10.0.0.0/33', 'proxy.example.com', '10.0.0.1/', '10.0.0.0/8/8', '::1/129', '10.0.0.0/-1', '10'])(
  'refuses "%s" as a list of proxies',
  (text) => {
    expect(() => readProxies(text)).toThrow(ProxyListError);
  },
);

test('recognises the proxies in the list', () => {
  expect(isProxy('::ffff:10.1.2.3', proxies)).toBe(true);
  expect(isProxy('192.0.2.1', proxies)).toBe(false);
  expect(isProxy(undefined, proxies)).toBe(false);
});

test.each([
  ['2001:db8::1', '2001:db8:0:0'],
  ['2001:0db8:0:0:ffff::9', '2001:db8:0:0'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
  ['2001:db8:1:2::', '2001:db8:1:2'],
  ['64:ff9b::192.0.2.1', '64:ff9b:0:0'],
  ['::1', '0:0:0:0'],
  ['192.0.2.1', '192.0.2.1'],
  [null, 'unknown'],
])('counts %s as %s', (address, network) => {
  expect(networkOf(address)).toBe(network);
});
