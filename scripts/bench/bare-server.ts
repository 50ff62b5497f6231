// A separate process: a bare `node:http` server that answers an unchanged poll with the same bytes as Forage.
import { createServer } from 'node:http';

const headers = JSON.parse(process.argv[2] ?? '{}') as Record<string, string>;
const server = createServer((request, response) => {
  response.writeHead(request.headers['if-none-match'] === headers['etag'] ? 304 : 500, headers);
  response.end();
});
server.listen(0, '127.0.0.1', () => process.send?.(server.address()));
process.on('disconnect', () => process.exit());
