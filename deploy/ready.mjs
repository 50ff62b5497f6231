// The image's health check: whether the server in this container is ready. Plain Node, so that it starts fast.
import http from 'node:http';
import https from 'node:https';

const { PORT = '8080', TLS_CERT } = process.env;
// The certificate is for the public address, not for 127.0.0.1.
const [client, scheme] = TLS_CERT ? [https, 'https'] : [http, 'http'];
const request = client.get(`${scheme}://127.0.0.1:${PORT}/readyz`, {
  rejectUnauthorized: false,
  timeout: 4_000,
});
request.on('response', (response) => {
  let text = '';
  response.on('data', (chunk) => {
    text += chunk;
  });
  response.on('end', () => {
    console.log(text.trim());
    process.exit(response.statusCode === 200 ? 0 : 1);
  });
});
request.on('timeout', () => request.destroy(new Error('no answer within 4 s')));
request.on('error', (error) => {
  console.log(error.message);
  process.exit(1);
});
