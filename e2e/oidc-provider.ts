// A provider of OpenID Connect as a process of its own: `node e2e/oidc-provider.ts <redirect URI>…`. Prints its issuer. Any login is
// somebody: `ada` is ada@example.com, `eve@evil.example` has that address, and `unverified-…` one that nobody has verified.
import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import { Provider } from 'oidc-provider';

const CLIENT = { id: 'forage', secret: 'known-to-this-test-and-nobody-else' };

const [, , ...redirectUris] = process.argv;
const server = createServer();
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the provider has no port');
  // By another name than Forage is reached by: another site for the browser, as in the world.
  const issuer = `http://localhost:${address.port}`;
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: CLIENT.id,
        client_secret: CLIENT.secret,
        redirect_uris: redirectUris,
        grant_types: ['authorization_code'],
        response_types: ['code'],
      },
    ],
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['preferred_username'] },
    pkce: { required: () => true },
    cookies: { keys: [randomBytes(32).toString('hex')] },
    features: { devInteractions: { enabled: true } },
    findAccount: (_context, login) => ({
      accountId: login,
      claims: () => ({
        sub: login,
        email: login.includes('@') ? login : `${login}@example.com`,
        email_verified: !login.startsWith('unverified'),
        preferred_username: login.split('@')[0],
      }),
    }),
  });
  server.on('request', provider.callback());
  console.log(`Provider at ${issuer}`);
});
