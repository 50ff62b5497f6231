// `npm run dev`: the server, restarted when its code changes, behind Vite's development server.
import { spawn } from 'node:child_process';
import { root, toolEnvironment } from './run.ts';

const port = process.env.PORT || '8080';
// The server prints links with this address, so they go through Vite.
const publicUrl = process.env.PUBLIC_URL || 'http://127.0.0.1:5173';
const env = toolEnvironment({ PORT: port, API_PORT: port, PUBLIC_URL: publicUrl });
const commands: readonly (readonly string[])[] = [
  ['--watch', '--watch-preserve-output', 'server/main.ts'],
  ['node_modules/vite/bin/vite.js'],
];
const children = commands.map((args) =>
  spawn(process.execPath, [...args], { cwd: root, env, stdio: 'inherit' }),
);

// A signal, or the end of one child, ends the other child.
const stop = () => {
  for (const child of children) child.kill('SIGTERM');
};
process.on('SIGINT', stop);
process.on('SIGTERM', stop);
for (const child of children) {
  child.on('exit', (code) => {
    if (code !== null && code !== 0) process.exitCode = code;
    stop();
  });
}
