import { visibleText } from './visible-text.ts';

const parts = { page: '', waiting: 0 };

/** Sets parts of the window's title: `(2) Policies · checkout · Forage`. `waiting` is how much waits for the user, up to 100. */
export function setWindowTitle(changed: Partial<typeof parts>): void {
  const { page, waiting } = Object.assign(parts, changed);
  const count = waiting > 0 && `(${waiting}${waiting < 100 ? '' : '+'}) `;
  document.title = `${count || ''}${page && `${visibleText(page)} · `}Forage`;
}
