/** The length of a body in bytes; `{turn}` becomes ten digits. */
const lengthOf = (body: string): number => Buffer.byteLength(body.replace('{turn}', '0123456789'));

/** A Connect call in JSON. */
export function postRequest(url: string, method: string, token: string, message: object): string {
  const body = JSON.stringify(message);
  return [
    `POST /forest.v1.${method} HTTP/1.1`,
    `host: ${new URL(url).host}`,
    'content-type: application/json',
    `authorization: Bearer ${token}`,
    `content-length: ${lengthOf(body)}`,
    '',
    body,
  ].join('\r\n');
}

/** A Connect call by GET, as the dashboard polls, with the ETag of the cached answer. */
export function getRequest(
  url: string,
  method: string,
  token: string,
  message: object,
  etag: string | null,
): string {
  const query = new URLSearchParams({ connect: 'v1', encoding: 'json', message: JSON.stringify(message) });
  return [
    `GET /forest.v1.${method}?${query} HTTP/1.1`,
    `host: ${new URL(url).host}`,
    `authorization: Bearer ${token}`,
    'accept-encoding: gzip, deflate, br',
    ...(etag === null ? [] : [`if-none-match: ${etag}`]),
    '',
    '',
  ].join('\r\n');
}
