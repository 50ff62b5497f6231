import type { LookupAddress, LookupOptions } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { describe, expect, test } from 'vitest';
import { guardedLookup, privateKind, TargetRefused, targetProblem, targetRules } from './target.ts';

describe('an address', () => {
  test.each([
    ['127.0.0.1', 'loopback'],
    ['127.255.255.254', 'loopback'],
    ['169.254.169.254', 'link-local'],
    ['10.0.0.1', 'private'],
    ['172.16.0.1', 'private'],
    ['172.31.255.255', 'private'],
    ['192.168.1.1', 'private'],
    ['100.64.0.1', 'private'],
    ['100.127.255.255', 'private'],
    ['100.100.100.200', 'private'],
    ['224.0.0.1', 'multicast'],
    ['239.255.255.250', 'multicast'],
    ['0.0.0.0', 'unspecified'],
    ['0.1.2.3', 'unspecified'],
    ['168.63.129.16', 'metadata'],
    ['192.0.0.192', 'reserved'],
    ['192.0.2.1', 'reserved'],
    ['198.18.0.1', 'reserved'],
    ['198.19.255.255', 'reserved'],
    ['240.0.0.1', 'reserved'],
    ['255.255.255.255', 'reserved'],
    ['::', 'unspecified'],
    ['::1', 'loopback'],
    ['0:0:0:0:0:0:0:1', 'loopback'],
    ['fe80::1', 'link-local'],
    ['fe80::1%eth0', 'link-local'],
    ['febf::1', 'link-local'],
    ['fc00::1', 'private'],
    ['fd00:ec2::254', 'private'],
    ['fec0::1', 'private'],
    ['ff02::1', 'multicast'],
    ['::ffff:127.0.0.1', 'loopback'],
    ['::ffff:a9fe:a9fe', 'link-local'],
    ['::ffff:0:10.0.0.1', 'private'],
    ['::127.0.0.1', 'loopback'],
    ['::2', 'unspecified'],
    ['64:ff9b::7f00:1', 'loopback'],
    ['64:ff9b::10.0.0.1', 'private'],
    ['64:ff9b:1::1', 'reserved'],
    ['2002:7f00:1::', 'loopback'],
    ['2002:c0a8:101::1', 'private'],
    ['2001::1', 'reserved'],
    ['2001:db8::1', 'reserved'],
    ['3fff::1', 'reserved'],
    ['100::1', 'reserved'],
    ['5f00::1', 'reserved'],
    ['4000::1', 'reserved'],
    ['no address', 'unknown'],
    ['', 'unknown'],
    ['127.1', 'unknown'],
    ['1.1.1.1', null],
    ['8.8.8.8', null],
    ['172.15.255.255', null],
    ['172.32.0.1', null],
    ['100.63.255.255', null],
    ['100.128.0.1', null],
    ['192.169.0.1', null],
    ['223.255.255.255', null],
    ['2606:4700:4700::1111', null],
    ['2a00:1450:4001:82b::200e', null],
    ['::ffff:8.8.8.8', null],
    ['64:ff9b::8.8.8.8', null],
    ['2002:808:808::1', null],
  ])('%s is %s', (address, kind) => expect(privateKind(address)).toBe(kind));
});

describe('an address of a webhook', () => {
  const rules = targetRules(false);
  test.each([
    'http://127.0.0.1/',
    'http://127.0.0.1./',
    'http://127.1/',
    'http://127.0.1:8080/hook',
    'http://2130706433/',
    'http://0x7f000001/',
    'http://0x7f.0x0.0x0.0x1/',
    'http://0177.0.0.1/',
    'http://0/',
    'http://%31%32%37.0.0.1/',
    'http://１２７.0.0.1/',
    'http://127。0。0。1/',
    'http://[::]/',
    'http://[::1]:9000/',
    'http://[0:0:0:0:0:0:0:1]/',
    'http://[::ffff:127.0.0.1]/',
    'http://[::ffff:7f00:1]/',
    'http://[::127.0.0.1]/',
    'http://[64:ff9b::a9fe:a9fe]/',
    'http://[2002:7f00:1::]/',
    'http://[fe80::1]/',
    'http://[fd00:ec2::254]/latest/meta-data',
    'http://169.254.169.254/latest/meta-data',
    'http://2852039166/',
    'http://10.1.2.3/',
    'https://192.168.0.1/',
    'http://localhost:8080/',
    'http://LOCALHOST./',
    'http://some.localhost/',
  ])('%s is refused', (url) => {
    expect(targetProblem(new URL(url), rules)).toContain('WEBHOOK_ALLOW_PRIVATE=1');
    expect(targetProblem(new URL(url), targetRules(true))).toBeNull();
  });

  test.each(['http://user@deploy.example/', 'https://user:word@deploy.example/', 'http://:word@1.1.1.1/'])(
    '%s is refused with a user or password, even if private addresses are allowed',
    (url) => {
      for (const allow of [false, true])
        expect(targetProblem(new URL(url), targetRules(allow))).toContain('user or a password');
    },
  );

  test.each(['https://deploy.example/hook', 'http://1.1.1.1:8080/', 'https://[2606:4700:4700::1111]/'])(
    '%s is accepted',
    (url) => expect(targetProblem(new URL(url), rules)).toBeNull(),
  );
});

describe('the lookup of a connection', () => {
  const answering = (...addresses: readonly string[]) => {
    const found: LookupAddress[] = addresses.map((address) => ({
      address,
      family: address.includes(':') ? 6 : 4,
    }));
    return ((_name, _options, callback) => callback(null, found)) as LookupFunction;
  };
  const resolve = (lookup: LookupFunction, options: LookupOptions) =>
    new Promise<unknown>((fulfil, reject) => {
      guardedLookup({ ...targetRules(false), lookup })('deploy.example', options, (error, address, family) =>
        error === null ? fulfil([address, family]) : reject(error),
      );
    });

  test('returns the checked addresses, in either form', async () => {
    const all = [
      { address: '1.1.1.1', family: 4 },
      { address: '2606:4700:4700::1111', family: 6 },
    ];
    const lookup = answering('1.1.1.1', '2606:4700:4700::1111');
    expect(await resolve(lookup, { all: true })).toEqual([all, undefined]);
    expect(await resolve(lookup, {})).toEqual(['1.1.1.1', 4]);
  });

  test('refuses a name of which any address is private', async () => {
    for (const addresses of [['127.0.0.1'], ['1.1.1.1', '10.0.0.1'], ['2606:4700:4700::1111', '::1']]) {
      for (const all of [true, false])
        await expect(resolve(answering(...addresses), { all })).rejects.toThrow(TargetRefused);
    }
  });

  test('passes on the resolver’s error, and rejects a name without addresses', async () => {
    const failing = ((_name, _options, callback) => callback(new Error('ENOTFOUND'), [])) as LookupFunction;
    await expect(resolve(failing, { all: true })).rejects.toThrow('ENOTFOUND');
    await expect(resolve(answering(), { all: true })).rejects.toThrow('has no address');
  });
});
