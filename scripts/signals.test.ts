import { test } from 'vitest';
import { expectEnd } from './signal-cases.ts';

// `npm run test:tools` has more cases.

test('SIGTERM during npm start ends npm, the server and PostgreSQL', () =>
  expectEnd({ command: ['start'], after: null, send: (npm) => npm.kill('SIGTERM') }));

// A terminal signals the whole process group, and npm also passes its own signal on.
test('Ctrl-C in the terminal of npm start ends npm, the server and PostgreSQL', () =>
  expectEnd({
    command: ['start'],
    after: /is ready on/,
    send: (npm) => process.kill(-(npm.pid ?? 0), 'SIGINT'),
  }));
