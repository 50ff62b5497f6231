import type { RequestListener } from 'node:http';
import type { AppContext } from '#server/context.ts';
import { tellRequestEnd } from '#server/observe/request-end.ts';
import { withinRequest } from '#server/request-scope.ts';
import { clientAddress, isProxy } from './client-address.ts';
import { lingerWhenEarly } from './linger.ts';
import { RequestRecord } from './request-record.ts';
import { secureAnswer } from './security-headers.ts';

/**
 * What every request passes first, whatever it asks for: it gets an id, which its answer carries and which all that is
 * logged for it has; its answer gets the headers that keep browsers from doing more with it than is meant; its end is told
 * to the log and the metrics.
 */
export function frontDoor(app: AppContext, serve: RequestListener): RequestListener {
  const { trustedProxies, tls, publicUrl } = app.config;
  const isHttps = tls !== null || publicUrl?.startsWith('https:') === true;
  const tellUnknownProxy = once((peer: string) =>
    app.log.warn(
      { peer },
      'a request has an X-Forwarded-For header, and TRUSTED_PROXIES does not name where it comes from: if that is a proxy ' +
        'of yours, name it, or everybody behind it counts as one (said once)',
    ),
  );
  return (request, response) => {
    const { headers, socket } = request;
    const peer = socket.remoteAddress;
    const record = new RequestRecord(headers, clientAddress(peer, headers, trustedProxies));
    if (headers['x-forwarded-for'] !== undefined && !isProxy(peer, trustedProxies))
      tellUnknownProxy(peer ?? '');
    response.setHeader('x-request-id', record.requestId);
    secureAnswer(response, isHttps);
    lingerWhenEarly(request, response);
    const path = request.url?.split('?', 1)[0] ?? '';
    response.once('close', () => {
      record.end();
      tellRequestEnd(app, record, path, response);
    });
    withinRequest(record, () => serve(request, response));
  };
}

/** Does it the first time alone. */
function once<T>(work: (value: T) => void): (value: T) => void {
  let done = false;
  return (value) => {
    if (!done) work(value);
    done = true;
  };
}
