// `npm run dev`: the server, started again when its code changes, and Vite's development server in front of it.
import { spawn } from 'node:child_process';
import { root, toolEnvironment } from './run.ts';

const port = process.env.PORT || '8080';
// The address that people open: what the server prints (its set-up link) then leads through Vite.
const publicUrl = process.env.PUBLIC_URL || 'http://127.0.0.1:5173';
const env = toolEnvironment({ PORT: port, API_PORT: port, PUBLIC_URL: publicUrl });
const commands: readonly (readonly string[])[] = [
  ['--watch', '--watch-preserve-output', 'server/main.ts'],
  ['node_modules/vite/bin/vite.js'],
];
const children = commands.map((args) =>
  spawn(process.execPath, [...args], { cwd: root, env, stdio: 'inherit' }),
);

// Ctrl-C reaches all three; a child that ends by itself, or a signal to this process alone, ends the other.
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
