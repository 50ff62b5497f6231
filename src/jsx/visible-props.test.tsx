// @vitest-environment jsdom
import { render } from '@testing-library/react';
import { Link, MemoryRouter } from 'react-router';
import { expect, test } from 'vitest';

const hidden = 'gpj.\u202eexe';
const seen = 'gpj.⟨U+202E⟩exe';

function Name({ children }: { readonly children: string }) {
  return (
    <>
      {children}
      <i>!</i>
    </>
  );
}

test('whatever way a text takes to the page, what hides in it is seen', () => {
  const { container } = render(
    <div>
      <p>{hidden}</p>
      <p>
        {hidden} by {hidden}
      </p>
      <p>{[hidden, hidden]}</p>
      <p>
        <Name>{hidden}</Name>
      </p>
      <p>
        <MemoryRouter>
          <Link to="/">{hidden}</Link>
        </MemoryRouter>
      </p>
    </div>,
  );
  const texts = [...container.querySelectorAll('p')].map(({ textContent }) => textContent);
  expect(texts).toEqual([seen, `${seen} by ${seen}`, seen + seen, `${seen}!`, seen]);
});

test('labels and tips are seen too; fields and addresses keep what they were given', () => {
  const { container } = render(
    <form aria-label={hidden}>
      <a href={`/x/${encodeURIComponent(hidden)}`} title={hidden}>
        x
      </a>
      <input defaultValue={hidden} placeholder={hidden} />
      <textarea defaultValue={hidden} />
    </form>,
  );
  const label = container.querySelector('form')?.getAttribute('aria-label');
  const tip = container.querySelector('a')?.getAttribute('title');
  expect([label, tip, container.querySelector('input')?.placeholder]).toEqual([seen, seen, seen]);
  expect(container.querySelector('input')?.value).toBe(hidden);
  expect(container.querySelector('textarea')?.value).toBe(hidden);
  expect(container.querySelector('a')?.getAttribute('href')).toBe('/x/gpj.%E2%80%AEexe');
});
