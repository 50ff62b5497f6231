// @vitest-environment jsdom
import { render } from '@testing-library/react';
import { expect, test } from 'vitest';
import { UserText } from './user-text.tsx';

test.each([
  ['gpj.\u202eexe', 'gpj.⟨U+202E⟩exe'],
  ['main مشروع', '\u2068main مشروع\u2069'],
  ['\u001b[31mred', '␛[31mred'],
  [undefined, ''],
])('shows %j as %j', (text, shown) => {
  const { container } = render(
    <p>
      <UserText>{text}</UserText>
    </p>,
  );
  expect(container.textContent).toBe(shown);
});
