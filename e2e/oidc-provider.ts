// An OpenID Connect provider in a separate process: `node e2e/oidc-provider.ts <redirect URI>…`. Prints its issuer. It accepts any
// login: `ada` is ada@example.com, `eve@evil.example` has that address, and `unverified-…` an unverified one.
import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import { Provider } from 'oidc-provider';

const CLIENT = { id: 'forage', secret: 'a-secret-of-the-tests' };

const [, , ...redirectUris] = process.argv;
const server = createServer();
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The provider has no port');
  // Another host name than Forage's, so that it is another site for the browser.
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
