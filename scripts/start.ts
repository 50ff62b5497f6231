// `npm start`: builds the dashboard if that is needed, then is the server.
import { flushCompileCache } from 'node:module';
import { ensureBuilt } from './build.ts';

try {
  await ensureBuilt();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}
await import('#server/main.ts');
// A server may be ended without notice: the compiled code is kept now, not when it exits.
flushCompileCache();
