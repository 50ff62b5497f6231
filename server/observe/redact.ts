/** Fields that hold a secret whenever they are there, as JSON writes them. */
const FIELDS =
  /"(authorization|proxy-authorization|cookie|set-cookie|x-csrf-token|password|newPassword|currentPassword|secret|client_secret|clientSecret|code_verifier|id_token|access_token|accessToken|refresh_token|refreshToken|reportToken|setUpToken|token)":(?:"(?:[^"\\]|\\.)*"|\["(?:[^"\\]|\\.)*"\])/gi;
/** What our own tokens and webhook secrets begin with, and bearer tokens of any kind. */
const TOKENS = /\b(forage_[a-z]{1,2}_|whsec_|Bearer +)[A-Za-z0-9+/=._~-]{8,}/g;
/** The password in an address, such as a database's. */
const PASSWORDS = /(:\/\/[^\s"\\:/@]{0,100}:)[^\s"\\/@]{1,300}@/g;
/** PostgreSQL shows the whole row that broke a rule. */
const ROWS = /"Failing row contains (?:[^"\\]|\\.)*"/g;

const HIDDEN = '[hidden]';

/**
 * Takes out of a line of the log whatever looks like a secret. Nothing that logs is meant to rely on it: it is for what somebody
 * will forget one day. In linear time: no part of a pattern can match in two ways.
 */
export function redact(line: string): string {
  return line
    .replace(FIELDS, `"$1":"${HIDDEN}"`)
    .replace(TOKENS, `$1${HIDDEN}`)
    .replace(PASSWORDS, `$1${HIDDEN}@`)
    .replace(ROWS, `"Failing row ${HIDDEN}"`);
}
