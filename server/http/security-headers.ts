import type { IncomingMessage, ServerResponse } from 'node:http';
import helmet, { type HelmetOptions } from 'helmet';

type Header = readonly [name: string, value: string];

const SELF = "'self'";
const NONE = "'none'";

/** What a page of ours needs none of; what is not listed stays as browsers have it. */
const PERMISSIONS = [
  'accelerometer',
  'autoplay',
  'camera',
  'display-capture',
  'encrypted-media',
  'fullscreen',
  'geolocation',
  'gyroscope',
  'magnetometer',
  'microphone',
  'midi',
  'payment',
  'picture-in-picture',
  'publickey-credentials-create',
  'publickey-credentials-get',
  'screen-wake-lock',
  'usb',
  'xr-spatial-tracking',
];

/** What the library would set, found out once and not at each answer. */
function headersOf(options: HelmetOptions): Header[] {
  const headers: Header[] = [];
  const response = {
    setHeader: (name: string, value: string) => headers.push([name.toLowerCase(), value]),
    removeHeader: () => {},
  };
  helmet(options)({} as IncomingMessage, response as unknown as ServerResponse, (problem) => {
    if (problem !== undefined) throw problem;
  });
  return headers;
}

/** For whatever is answered: nothing may be run of it, embed it, or guess at what it is. No answer allows another origin. */
const ANY_ANSWER = headersOf({
  contentSecurityPolicy: {
    useDefaults: false,
    directives: { defaultSrc: [NONE], baseUri: [NONE], formAction: [NONE], frameAncestors: [NONE] },
  },
  xFrameOptions: { action: 'deny' },
  referrerPolicy: { policy: 'no-referrer' },
  crossOriginResourcePolicy: { policy: 'same-origin' },
  // Each of them speaks of pages alone.
  strictTransportSecurity: false,
  crossOriginOpenerPolicy: false,
  originAgentCluster: false,
  xDnsPrefetchControl: false,
  xDownloadOptions: false,
  xPermittedCrossDomainPolicies: false,
  xXssProtection: false,
});

/** For the dashboard: it runs its own files and asks its own server, and turns no text into script or markup. */
const DASHBOARD: readonly Header[] = [
  ...headersOf({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: [NONE],
        scriptSrc: [SELF],
        styleSrc: [SELF],
        fontSrc: [SELF],
        imgSrc: [SELF, 'data:'],
        connectSrc: [SELF],
        baseUri: [NONE],
        formAction: [SELF],
        frameAncestors: [NONE],
        requireTrustedTypesFor: ["'script'"],
        trustedTypes: [NONE],
      },
    },
    xFrameOptions: { action: 'deny' },
    // Ours alone; other sites are told nothing of where somebody came from.
    referrerPolicy: { policy: 'same-origin' },
    strictTransportSecurity: false,
  }),
  ['permissions-policy', PERMISSIONS.map((name) => `${name}=()`).join(', ')],
];

/** A year, as browsers' lists of such servers ask for. Other names of the same domain are not ours to speak for. */
const HSTS = 'max-age=31536000';

/**
 * Sets the headers that every answer has.
 * @param isHttps whether people come by https, to this server or to a proxy in front
 */
export function secureAnswer(response: ServerResponse, isHttps: boolean): void {
  for (const [name, value] of ANY_ANSWER) response.setHeader(name, value);
  if (isHttps) response.setHeader('strict-transport-security', HSTS);
}

/** Sets those of the dashboard in their place. */
export function secureDashboard(response: ServerResponse): void {
  for (const [name, value] of DASHBOARD) response.setHeader(name, value);
}
