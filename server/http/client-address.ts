import type { IncomingHttpHeaders } from 'node:http';
import { BlockList, isIP, isIPv4, isIPv6 } from 'node:net';

/** Reading the list of proxies failed; the message names the part that is none. */
export class ProxyListError extends Error {}

const PREFIX = /^\d{1,3}$/;

/**
 * Reads the proxies whose `X-Forwarded-For` is believed: addresses and networks (`10.0.0.0/8`), separated by commas.
 * @throws ProxyListError
 */
export function readProxies(text: string): BlockList {
  const proxies = new BlockList();
  const parts = text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
  for (const part of parts) {
    const [network = '', prefix, more] = part.split('/');
    const version = isIP(network);
    const type = version === 6 ? 'ipv6' : 'ipv4';
    const bits = prefix === undefined ? null : Number(prefix);
    const wrong =
      version === 0 ||
      more !== undefined ||
      (bits !== null && (!PREFIX.test(prefix ?? '') || bits > (version === 6 ? 128 : 32)));
    if (wrong) throw new ProxyListError(`"${part}" is neither an address nor a network such as 10.0.0.0/8`);
    if (bits === null) proxies.addAddress(network, type);
    else proxies.addSubnet(network, bits, type);
  }
  return proxies;
}

/**
 * Where a request comes from: the other end of its connection or, when that is a proxy we believe, whoever the nearest
 * one that we do not believe was. Proxies append to `X-Forwarded-For`, so what stands further left was written by the
 * caller and is worth nothing. Null when the connection has gone already.
 */
export function clientAddress(
  peer: string | undefined,
  headers: IncomingHttpHeaders,
  proxies: BlockList,
): string | null {
  const forwarded = headers['x-forwarded-for'];
  const hops = (Array.isArray(forwarded) ? forwarded.join(',') : (forwarded ?? '')).split(',');
  let address = plain(peer ?? '');
  while (address !== null && believes(proxies, address) && hops.length > 0) {
    const before = plain(hops.pop() ?? '');
    // A proxy that names nobody is as far as anything can be known.
    if (before === null) break;
    address = before;
  }
  return address;
}

/** Whether the other end of a connection is a proxy that we believe. */
export function isProxy(peer: string | undefined, proxies: BlockList): boolean {
  const address = plain(peer ?? '');
  return address !== null && believes(proxies, address);
}

const believes = (proxies: BlockList, address: string): boolean =>
  proxies.check(address, isIPv4(address) ? 'ipv4' : 'ipv6');

/** One spelling of an address: without a port, brackets or zone, and IPv4 as such; null for what is none. */
function plain(text: string): string | null {
  const bare = text
    .trim()
    .replace(/^\[(.*)\](?::\d{1,5})?$/, '$1')
    .replace(/^([\d.]+):\d{1,5}$/, '$1')
    .replace(/%.*$/, '')
    .toLowerCase();
  const address = bare.startsWith('::ffff:') && isIPv4(bare.slice(7)) ? bare.slice(7) : bare;
  return isIP(address) === 0 ? null : address;
}

/**
 * What is counted as one address: it, or of IPv6 the network of 64 bits, in which one machine may choose as many addresses as
 * it likes. `unknown` for nobody's.
 */
export function networkOf(address: string | null): string {
  if (address === null || !isIPv6(address)) return address ?? 'unknown';
  const [head = '', tail = ''] = address.split('::');
  const before = head.split(':').filter((group) => group !== '');
  const after = tail.split(':').filter((group) => group !== '');
  const zeros = address.includes('::') ? Math.max(0, 8 - before.length - after.length) : 0;
  const groups = [...before, ...Array.from({ length: zeros }, () => '0'), ...after];
  return groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':');
}
