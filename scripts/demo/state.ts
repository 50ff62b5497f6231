import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';

/** The demo's users. */
export const usernames = ['author', 'reviewer', 'reviewer-two', 'admin'] as const;
export type Username = (typeof usernames)[number];

interface Saved {
  readonly passwords: Readonly<Record<Username, string>>;
  readonly done: readonly string[];
}

/** The state that the demo keeps between starts, in a file of its data folder that only its owner can read. */
export interface DemoState {
  readonly passwords: Readonly<Record<Username, string>>;
  /** Whether a step of the scenario has been completed. */
  isDone(step: string): boolean;
  setDone(step: string): void;
}

// 100 bits in four groups of letters and digits that are easy to tell apart.
const letters = 'abcdefghijkmnpqrstuvwxyz23456789';

function newPassword(): string {
  const group = () => [...randomBytes(5)].map((byte) => letters.charAt(byte % letters.length)).join('');
  return [group(), group(), group(), group()].join('-');
}

function readSaved(path: string): Saved {
  // Earlier versions wrote `told` in place of `done`.
  const { passwords, done, told } = JSON.parse(readFileSync(path, 'utf8')) as Partial<Saved> & {
    readonly passwords: Saved['passwords'];
    readonly told?: Saved['done'];
  };
  return { passwords, done: done ?? told ?? [] };
}

/** Reads the state, or creates it with new passwords. */
export function openState(path: string): DemoState {
  let saved: Saved = existsSync(path)
    ? readSaved(path)
    : {
        passwords: {
          author: newPassword(),
          reviewer: newPassword(),
          'reviewer-two': newPassword(),
          admin: newPassword(),
        },
        done: [],
      };
  const write = () => {
    writeFileSync(`${path}.new`, `${JSON.stringify(saved, null, 2)}\n`, { mode: 0o600 });
    renameSync(`${path}.new`, path);
    chmodSync(path, 0o600);
  };
  write();
  return {
    passwords: saved.passwords,
    isDone: (step) => saved.done.includes(step),
    setDone(step) {
      saved = { ...saved, done: [...saved.done, step] };
      write();
    },
  };
}
