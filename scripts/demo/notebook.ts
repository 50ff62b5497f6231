import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';

/** The demo's people. */
export const usernames = ['author', 'reviewer', 'reviewer-two', 'admin'] as const;
export type Username = (typeof usernames)[number];

interface Notes {
  readonly passwords: Readonly<Record<Username, string>>;
  readonly told: readonly string[];
}

/** What the demo remembers between starts, in a file of its data folder that only its owner reads. */
export interface Notebook {
  readonly passwords: Readonly<Record<Username, string>>;
  /** Whether a part of the demo's story has been told to the end. */
  isTold(part: string): boolean;
  setTold(part: string): void;
}

// Read aloud and typed by hand: four groups of five letters and digits that are not mistaken for each other, 100 bits.
const letters = 'abcdefghijkmnpqrstuvwxyz23456789';

function newPassword(): string {
  const group = () => [...randomBytes(5)].map((byte) => letters.charAt(byte % letters.length)).join('');
  return [group(), group(), group(), group()].join('-');
}

/** Opens the notebook, or begins one with new passwords. */
export function openNotebook(path: string): Notebook {
  let notes: Notes = existsSync(path)
    ? (JSON.parse(readFileSync(path, 'utf8')) as Notes)
    : {
        passwords: {
          author: newPassword(),
          reviewer: newPassword(),
          'reviewer-two': newPassword(),
          admin: newPassword(),
        },
        told: [],
      };
  const write = () => {
    writeFileSync(`${path}.new`, `${JSON.stringify(notes, null, 2)}\n`, { mode: 0o600 });
    renameSync(`${path}.new`, path);
    chmodSync(path, 0o600);
  };
  write();
  return {
    passwords: notes.passwords,
    isTold: (part) => notes.told.includes(part),
    setTold(part) {
      notes = { ...notes, told: [...notes.told, part] };
      write();
    },
  };
}
