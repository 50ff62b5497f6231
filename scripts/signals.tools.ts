import { test } from 'vitest';
import { expectEnd } from './signal-cases.ts';

test.each([
  ['npm start', ['start'], /is ready on/],
  ['npm run demo', ['run', 'demo'], /is started on/],
] as const)('SIGTERM to %s ends npm, the server and PostgreSQL', (_, command, after) =>
  expectEnd({ command, after, send: (npm) => npm.kill('SIGTERM') }),
);
