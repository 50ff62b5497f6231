/**
 * Printable ASCII with one `@`. Other alphabets have letters that become ASCII in lower case (the Kelvin sign): with them one
 * domain could pass for another.
 */
const ADDRESS = /^[\x21-\x3f\x41-\x7e]+@([A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+)$/;

/** The domain of an email address, in lower case; null for what is no address that we take. */
export function domainOf(email: string): string | null {
  return email.length > 254 ? null : (ADDRESS.exec(email)?.[1]?.toLowerCase() ?? null);
}
