// `npm start`: builds the dashboard if needed, then runs the server in this process.
import { flushCompileCache } from 'node:module';
import { ensureBuilt } from './build.ts';

try {
  await ensureBuilt();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}
await import('#server/main.ts');
// A server may be killed, so the compiled code is cached now, not at exit.
flushCompileCache();
