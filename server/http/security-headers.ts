import type { ServerResponse } from 'node:http';

type Headers = Readonly<Record<string, string>>;

/** For every response: no scripts, no embedding, no content sniffing, no other origins. */
const ANY_RESPONSE: Headers = {
  'content-security-policy': "default-src 'none';base-uri 'none';form-action 'none';frame-ancestors 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
};

/** Browser features that the dashboard does not use. */
const UNUSED_FEATURES =
  'accelerometer autoplay camera display-capture encrypted-media fullscreen geolocation gyroscope magnetometer microphone ' +
  'midi payment picture-in-picture publickey-credentials-create publickey-credentials-get screen-wake-lock usb xr-spatial-tracking';

/** For the dashboard: its own files and its own server only, and no text becomes script or markup (Trusted Types). */
const DASHBOARD: Headers = {
  'content-security-policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "font-src 'self'",
    "img-src 'self' data:",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join(';'),
  'cross-origin-opener-policy': 'same-origin',
  'origin-agent-cluster': '?1',
  'referrer-policy': 'same-origin',
  'permissions-policy': UNUSED_FEATURES.split(' ')
    .map((name) => `${name}=()`)
    .join(', '),
};

/** One year, without subdomains: they may belong to other services. */
const HSTS = 'max-age=31536000';

const set = (response: ServerResponse, headers: Headers): void => {
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
};

/**
 * Sets the headers of every response.
 * @param isHttps whether users connect by https, to this server or to a proxy in front of it
 */
export function setSecurityHeaders(response: ServerResponse, isHttps: boolean): void {
  set(response, ANY_RESPONSE);
  if (isHttps) response.setHeader('strict-transport-security', HSTS);
}

/** Adds the dashboard's headers, some of which replace those of every response. */
export const setDashboardHeaders = (response: ServerResponse): void => set(response, DASHBOARD);
