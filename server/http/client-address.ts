import type { IncomingHttpHeaders } from 'node:http';
import { BlockList, isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

/** The list of proxies is invalid; the message names the wrong part. */
export class ProxyListError extends Error {}

/**
 * Parses trusted proxies: addresses and networks (`10.0.0.0/8`), comma-separated.
 * @throws ProxyListError
 */
export function readProxies(text: string): BlockList {
  const proxies = new BlockList();
  const parts = text.split(',').map((part) => part.trim());
  for (const part of parts.filter((one) => one !== '')) {
    const [network = '', prefix = network.includes(':') ? '128' : '32', ...more] = part.split('/');
    try {
      if (more.length > 0 || !/^\d+$/.test(prefix)) throw new Error('not a prefix');
      proxies.addSubnet(network, Number(prefix), familyOf(network));
    } catch {
      throw new ProxyListError(`"${part}" is not an address or a network such as 10.0.0.0/8`);
    }
  }
  return proxies;
}

/**
 * The address of a client: the peer of the connection or, behind trusted proxies, the last address in `X-Forwarded-For` that is
 * not one of them. Proxies append to that header; everything further left may be forged. Null when the connection is closed.
 */
export function clientAddress(
  peer: string | undefined,
  headers: IncomingHttpHeaders,
  proxies: BlockList,
): string | null {
  const hops = String(headers['x-forwarded-for'] ?? '').split(',');
  let address = normalise(peer ?? '');
  while (address !== null && proxies.check(address, familyOf(address)) && hops.length > 0) {
    const previous = normalise(hops.pop() ?? '');
    if (previous === null) break;
    address = previous;
  }
  return address;
}

/** Whether the peer of a connection is a trusted proxy. */
export function isProxy(peer: string | undefined, proxies: BlockList): boolean {
  const address = normalise(peer ?? '');
  return address !== null && proxies.check(address, familyOf(address));
}

const familyOf = (address: string) => (address.includes(':') ? 'ipv6' : 'ipv4');

/** An address without port, brackets or zone, IPv4-mapped addresses as IPv4; null for invalid text. */
function normalise(text: string): string | null {
  const bare = text
    .trim()
    .replace(/^\[(.*)\](?::\d{1,5})?$/, '$1')
    .replace(/^([\d.]+):\d{1,5}$/, '$1')
    .replace(/%.*$/, '');
  // ipaddr.js also reads numbers such as `127.1`.
  return isIP(bare) === 0 ? null : ipaddr.process(bare).toString();
}

/**
 * The key by which requests of an address are counted: the address, or its /64 network for IPv6, where one machine can have
 * any number of addresses. `unknown` for null.
 */
export function networkOf(address: string | null): string {
  if (address === null || !address.includes(':')) return address ?? 'unknown';
  const groups = ipaddr.IPv6.parse(address).parts.slice(0, 4);
  return groups.map((group) => group.toString(16)).join(':');
}
