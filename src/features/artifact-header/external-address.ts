/** An address that somebody else wrote, if it is one that a link may lead to: http and https only, never a script. */
export function externalAddress(address: string | undefined): string | undefined {
  if (!address || !URL.canParse(address)) return undefined;
  const { protocol, href } = new URL(address);
  return protocol === 'https:' || protocol === 'http:' ? href : undefined;
}
