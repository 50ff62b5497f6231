import { lookup as lookupName } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import ipaddr from 'ipaddr.js';

/** The receiver's address is one that this server does not call. The message does not reveal the address. */
export class TargetRefused extends Error {
  override readonly name = 'TargetRefused';
}

/** Which addresses webhooks may call. */
export interface TargetRules {
  /** Resolves names, like `dns.lookup`. */
  readonly lookup: LookupFunction;
  /** The kind of an address that may not be called, for messages; null for one that may. */
  refused(address: string): string | null;
}

/** Names for the address ranges of ipaddr.js, which follow the IANA registries of special-purpose addresses. */
const LABELS: Readonly<Record<string, string>> = {
  loopback: 'loopback',
  // Also the metadata services of most clouds.
  linkLocal: 'link-local',
  private: 'private',
  carrierGradeNat: 'private',
  uniqueLocal: 'private',
  deprecatedSiteLocal: 'private',
  multicast: 'multicast',
  unspecified: 'unspecified',
};
/** Azure's metadata service: a public address that is only reachable from inside. */
const AZURE_METADATA = '168.63.129.16';
const GLOBAL_UNICAST = ipaddr.IPv6.parse('2000::');
/** IPv6 prefixes whose last 32 bits are an IPv4 address: mapped, SIIT, NAT64 and compatible (deprecated). */
const PREFIXES_OF_IPV4 = ['::ffff:0:0', '::ffff:0:0:0', '64:ff9b::', '::'].map((one) =>
  ipaddr.IPv6.parse(one),
);
const SIX_TO_FOUR = ipaddr.IPv6.parse('2002::');

/** The IPv4 address that is embedded in an IPv6 address, as bytes; null when there is none. */
function embeddedIPv4(address: ipaddr.IPv6): number[] | null {
  if (PREFIXES_OF_IPV4.some((prefix) => address.match(prefix, 96))) return address.toByteArray().slice(12);
  return address.match(SIX_TO_FOUR, 16) ? address.toByteArray().slice(2, 6) : null;
}

/**
 * The kind of an address that is not on the public internet; null if it is. In IPv6 only global unicast is public, and an
 * address that embeds an IPv4 address counts as that.
 * @param address an IP address without brackets; anything else is `unknown`
 */
export function privateKind(address: string): string | null {
  const [bare = ''] = address.split('%', 1);
  if (isIP(bare) === 0) return 'unknown';
  const parsed = ipaddr.parse(bare);
  const range = parsed.range();
  if (parsed instanceof ipaddr.IPv6 && range !== 'loopback') {
    const embedded = embeddedIPv4(parsed);
    if (embedded !== null) return privateKind(embedded.join('.'));
    if (range === 'unicast' && !parsed.match(GLOBAL_UNICAST, 3)) return 'reserved';
  }
  if (parsed.toString() === AZURE_METADATA) return 'metadata';
  return range === 'unicast' ? null : (LABELS[range] ?? 'reserved');
}

/** Webhooks may only call the public internet, unless the server's operator allows private addresses. */
export const targetRules = (allowPrivate: boolean): TargetRules => ({
  lookup: lookupName as LookupFunction,
  refused: allowPrivate ? () => null : privateKind,
});

const refusal = (kind: string): string =>
  `resolves to a ${kind} address, which this server does not call; its operator can allow it with WEBHOOK_ALLOW_PRIVATE=1`;

/**
 * Why a URL is refused before its name is resolved: it contains a user or password, or its host is a forbidden address or
 * localhost. Null when it is not; names are checked when they are resolved.
 */
export function targetProblem(url: URL, rules: TargetRules): string | null {
  if (url.username !== '' || url.password !== '') {
    return 'must not contain a user or a password; requests are signed with the secret instead';
  }
  // The URL parser has normalised every spelling of an IPv4 address (octal, hexadecimal, one number).
  const host = url.hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '');
  const isLocalhost = /(^|\.)localhost$/i.test(host);
  const kind = isLocalhost ? rules.refused('127.0.0.1') : isIP(host) === 0 ? null : rules.refused(host);
  return kind === null ? null : refusal(kind);
}

/**
 * A lookup for a connection that checks every address of a name. The connection uses exactly these addresses, so a name that
 * resolves differently a second time (DNS rebinding) does not bypass the check.
 */
export function guardedLookup(rules: TargetRules): LookupFunction {
  return (hostname, options, callback) => {
    rules.lookup(hostname, { ...options, all: true }, (error, found) => {
      if (error !== null) return callback(error, [], undefined);
      const addresses = typeof found === 'string' ? [{ address: found, family: isIP(found) }] : found;
      const kind = addresses.map(({ address }) => rules.refused(address)).find((one) => one !== null);
      const [first] = addresses;
      if (kind != null) return callback(new TargetRefused(refusal(kind)), [], undefined);
      if (first === undefined) return callback(new Error(`${hostname} has no address`), [], undefined);
      if (options.all) callback(null, addresses);
      else callback(null, first.address, first.family);
    });
  };
}
