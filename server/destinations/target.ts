import { lookup as lookupName } from 'node:dns';
import { BlockList, isIP, isIPv4, isIPv6, type LookupFunction } from 'node:net';

/** The receiver's place is one that this server does not call. The message is for people, and tells no address. */
export class TargetRefused extends Error {
  override readonly name = 'TargetRefused';
}

/** Where webhooks may lead to. */
export interface TargetRules {
  /** Resolves names, in Node's way. */
  readonly lookup: LookupFunction;
  /** What kind of place, in words, an address is that is not called; null for one that may be. */
  refused(address: string): string | null;
}

type Network = readonly [network: string, prefix: number];

const list = (type: 'ipv4' | 'ipv6', networks: readonly Network[]): BlockList => {
  const found = new BlockList();
  for (const [network, prefix] of networks) found.addSubnet(network, prefix, type);
  return found;
};

/** By the registries of special-purpose addresses (IANA, RFC 6890), in the order in which they are asked. */
const IPV4: readonly (readonly [kind: string, networks: BlockList])[] = [
  ['loopback', list('ipv4', [['127.0.0.0', 8]])],
  // Also where clouds tell a machine its secrets.
  ['link-local', list('ipv4', [['169.254.0.0', 16]])],
  [
    'private',
    list('ipv4', [
      ['10.0.0.0', 8],
      ['172.16.0.0', 12],
      ['192.168.0.0', 16],
      // Shared address space of carriers (CGNAT), which clouds use inside.
      ['100.64.0.0', 10],
    ]),
  ],
  ['multicast', list('ipv4', [['224.0.0.0', 4]])],
  ['unspecified', list('ipv4', [['0.0.0.0', 8]])],
  // Azure's wire server: public by its number, and only ever inside.
  ['metadata', list('ipv4', [['168.63.129.16', 32]])],
  [
    'reserved',
    list('ipv4', [
      ['192.0.0.0', 24],
      ['192.0.2.0', 24],
      ['192.88.99.0', 24],
      ['198.18.0.0', 15],
      ['198.51.100.0', 24],
      ['203.0.113.0', 24],
      ['240.0.0.0', 4],
    ]),
  ],
];

const IPV6: typeof IPV4 = [
  ['unspecified', list('ipv6', [['::', 128]])],
  ['loopback', list('ipv6', [['::1', 128]])],
  ['link-local', list('ipv6', [['fe80::', 10]])],
  [
    'private',
    list('ipv6', [
      ['fc00::', 7],
      ['fec0::', 10],
    ]),
  ],
  ['multicast', list('ipv6', [['ff00::', 8]])],
  [
    'reserved',
    list('ipv6', [
      // Teredo among them, whose addresses hide others.
      ['2001::', 23],
      ['2001:db8::', 32],
      ['3fff::', 20],
    ]),
  ],
];
const GLOBAL_UNICAST = list('ipv6', [['2000::', 3]]);

/** IPv6 that stands for an IPv4 address: which of its eight parts hold that. */
const EMBEDDED: readonly (readonly [networks: BlockList, part: number])[] = [
  // Mapped, compatible (of old) and translated (SIIT): written so that a filter of IPv4 would not see it.
  [
    list('ipv6', [
      ['::ffff:0:0', 96],
      ['::ffff:0:0:0', 96],
      ['::', 96],
    ]),
    6,
  ],
  // NAT64 by its well-known prefix.
  [list('ipv6', [['64:ff9b::', 96]]), 6],
  // 6to4.
  [list('ipv6', [['2002::', 16]]), 1],
];

const kindOf = (kinds: typeof IPV4, address: string, type: 'ipv4' | 'ipv6'): string | null =>
  kinds.find(([, networks]) => networks.check(address, type))?.[0] ?? null;

/** The eight numbers of an IPv6 address, whatever way it is written. */
function partsOf(address: string): number[] {
  // The URL standard's reader knows every way, and writes one.
  const [head = '', tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::');
  const numbers = (text: string | undefined) =>
    text === undefined || text === '' ? [] : text.split(':').map((part) => Number.parseInt(part, 16));
  const [before, after] = [numbers(head), numbers(tail)];
  const gap = tail === undefined ? 0 : 8 - before.length - after.length;
  return [...before, ...Array.from({ length: gap }, () => 0), ...after];
}

/**
 * What kind of place an address is, if it is none of the public internet's; null if it is. Of IPv6 only what is handed out
 * as global unicast is public; what stands for an IPv4 address is what that is.
 * @param address an IP address without brackets; anything else is refused as `unknown`
 */
export function privateKind(address: string): string | null {
  const [bare = ''] = address.split('%', 1);
  if (isIPv4(bare)) return kindOf(IPV4, bare, 'ipv4');
  if (!isIPv6(bare)) return 'unknown';
  const own = kindOf(IPV6.slice(0, 2), bare, 'ipv6');
  if (own !== null) return own;
  const at = EMBEDDED.find(([networks]) => networks.check(bare, 'ipv6'))?.[1];
  if (at !== undefined) {
    const [high = 0, low = 0] = partsOf(bare).slice(at, at + 2);
    return privateKind(`${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`);
  }
  return kindOf(IPV6, bare, 'ipv6') ?? (GLOBAL_UNICAST.check(bare, 'ipv6') ? null : 'reserved');
}

/** Webhooks lead to the public internet alone, unless whoever runs the server says otherwise. */
export const targetRules = (allowPrivate: boolean): TargetRules => ({
  lookup: lookupName as LookupFunction,
  refused: allowPrivate ? () => null : privateKind,
});

const refusal = (kind: string): string =>
  `leads to a ${kind} address, which this server does not call; whoever runs it can allow that with WEBHOOK_ALLOW_PRIVATE=1`;

/**
 * What is wrong with an address before anything is looked up: a user or password in it, or a literal address (or name) of a
 * place that is not called, however it is written. Null when nothing is. Names are judged when they are called.
 */
export function targetProblem(url: URL, rules: TargetRules): string | null {
  if (url.username !== '' || url.password !== '') {
    return 'must not hold a user or a password: the request is signed with the secret instead';
  }
  // The URL standard has turned every way to write an IPv4 address (octal, hexadecimal, one number) into the usual one.
  const host = url.hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '');
  const isHere = /(^|\.)localhost$/i.test(host);
  const kind = isHere ? rules.refused('127.0.0.1') : isIP(host) === 0 ? null : rules.refused(host);
  return kind === null ? null : refusal(kind);
}

/**
 * The look-up for a connection: it judges every address of a name, and the connection is made to just these. Nothing is looked
 * up again in between, so a name that changes its mind gains nothing.
 */
export function guardedLookup(rules: TargetRules): LookupFunction {
  return (hostname, options, callback) => {
    rules.lookup(hostname, { ...options, all: true }, (error, found) => {
      if (error !== null) return callback(error, [], undefined);
      const addresses = typeof found === 'string' ? [{ address: found, family: isIP(found) }] : found;
      const kinds = addresses.map(({ address }) => rules.refused(address));
      const kind = kinds.find((one) => one !== null);
      const [first] = addresses;
      if (kind != null) return callback(new TargetRefused(refusal(kind)), [], undefined);
      if (first === undefined) return callback(new Error(`${hostname} has no address`), [], undefined);
      if (options.all) callback(null, addresses);
      else callback(null, first.address, first.family);
    });
  };
}
