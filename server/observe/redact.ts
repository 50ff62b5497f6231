/** JSON fields that always hold secrets. */
const FIELDS =
  /"(authorization|proxy-authorization|cookie|set-cookie|x-csrf-token|password|newPassword|currentPassword|secret|client_secret|clientSecret|code_verifier|id_token|access_token|accessToken|refresh_token|refreshToken|reportToken|setUpToken|token)":(?:"(?:[^"\\]|\\.)*"|\["(?:[^"\\]|\\.)*"\])/gi;
/** Our own tokens and webhook secrets by their prefixes, and any bearer token. */
const TOKENS = /\b(forage_[a-z]{1,2}_|whsec_|Bearer +)[A-Za-z0-9+/=._~-]{8,}/g;
/** The password in a URL, such as a database's. */
const PASSWORDS = /(:\/\/[^\s"\\:/@]{0,100}:)[^\s"\\/@]{1,300}@/g;
/** PostgreSQL quotes the whole row that violates a constraint. */
const ROWS = /"Failing row contains (?:[^"\\]|\\.)*"/g;

const HIDDEN = '[hidden]';

/**
 * Redacts everything in a log line that looks like a secret. A second line of defence: code that logs must leave secrets out.
 * Linear time, because no part of a pattern can match in two ways.
 */
export function redact(line: string): string {
  return line
    .replace(FIELDS, `"$1":"${HIDDEN}"`)
    .replace(TOKENS, `$1${HIDDEN}`)
    .replace(PASSWORDS, `$1${HIDDEN}@`)
    .replace(ROWS, `"Failing row ${HIDDEN}"`);
}
