// @vitest-environment jsdom
import { screen, waitFor } from '@testing-library/react';
import { useState } from 'react';
import { describe, expect, test, vi } from 'vitest';
import { renderWithin } from '#src/testing/render-within.tsx';
import { AlertDialog, AlertDialogCancel } from './alert-dialog.tsx';
import { Button } from './button.tsx';
import { Field, Input } from './field.tsx';
import { Reason } from './reason.tsx';
import { StaleBar } from './stale-bar.tsx';

const nothing = () => {};

describe('Button', () => {
  test('ignores clicks and Enter while pending, and keeps the focus', async () => {
    const click = vi.fn();
    const submit = vi.fn((event: { preventDefault: () => void }) => event.preventDefault());
    const { user } = renderWithin(
      <form onSubmit={submit}>
        <input aria-label="Text" />
        <Button type="submit" pending onClick={click}>
          Save
        </Button>
      </form>,
      nothing,
    );
    const button = screen.getByRole('button', { name: 'Save', busy: true });
    await user.click(button);
    await user.type(screen.getByLabelText('Text'), '{Enter}');
    expect(click).not.toHaveBeenCalled();
    expect(submit).not.toHaveBeenCalled();
    button.focus();
    expect(document.activeElement).toBe(button);
  });

  test('submits no form by default', async () => {
    const submit = vi.fn();
    const { user } = renderWithin(
      <form onSubmit={submit}>
        <Button>Press</Button>
      </form>,
      nothing,
    );
    await user.click(screen.getByRole('button', { name: 'Press' }));
    expect(submit).not.toHaveBeenCalled();
  });
});

test('a required field has a star, which is not part of its name', () => {
  const { container } = renderWithin(
    <Field label="Name" required>
      {(control) => <Input {...control} />}
    </Field>,
    nothing,
  );
  const input = screen.getByRole('textbox', { name: 'Name' });
  expect(screen.getByLabelText('Name')).toBe(input);
  expect(input.getAttribute('aria-required')).toBe('true');
  expect(container.textContent).toContain('Name*');
});

test('a field is described by its hint and its error', () => {
  renderWithin(
    <Field label="Name" hint="A hint." error="is taken">
      {(control) => <Input {...control} />}
    </Field>,
    nothing,
  );
  const input = screen.getByLabelText('Name');
  const descriptions = (input.getAttribute('aria-describedby') ?? '')
    .split(' ')
    .map((id) => document.getElementById(id)?.textContent);
  expect(descriptions).toEqual(['A hint.', 'Is taken']);
  expect(input.getAttribute('aria-invalid')).toBe('true');
});

function Question({ onSubmit }: { readonly onSubmit: () => void }) {
  const [open, setOpen] = useState(false);
  return (
    <main id="main" tabIndex={-1}>
      <Button onClick={() => setOpen(true)}>Ask</Button>
      <AlertDialog
        open={open}
        onOpenChange={setOpen}
        title="Really?"
        description="It cannot be undone."
        onSubmit={onSubmit}
        actions={
          <>
            <AlertDialogCancel />
            <Button type="submit">Do it</Button>
          </>
        }
      >
        <Field label="Reason">{(control) => <Input {...control} />}</Field>
      </AlertDialog>
    </main>
  );
}

describe('AlertDialog', () => {
  test('has a name and a description, and focuses Cancel', async () => {
    const { user } = renderWithin(<Question onSubmit={nothing} />, nothing);
    await user.click(screen.getByRole('button', { name: 'Ask' }));
    const dialog = await screen.findByRole('alertdialog', { name: 'Really?' });
    const description = document.getElementById(dialog.getAttribute('aria-describedby') ?? '');
    expect(description?.textContent).toBe('It cannot be undone.');
    expect(document.activeElement).toBe(screen.getByRole('button', { name: 'Cancel' }));
  });

  test.each(['Escape', 'Cancel'])('%s closes it and returns the focus', async (way) => {
    const submit = vi.fn();
    const { user } = renderWithin(<Question onSubmit={submit} />, nothing);
    const ask = screen.getByRole('button', { name: 'Ask' });
    await user.click(ask);
    await screen.findByRole('alertdialog');
    if (way === 'Escape') await user.keyboard('{Escape}');
    else await user.click(screen.getByRole('button', { name: 'Cancel' }));
    await waitFor(() => expect(screen.queryByRole('alertdialog')).toBeNull());
    await waitFor(() => expect(document.activeElement).toBe(ask));
    expect(submit).not.toHaveBeenCalled();
  });

  test('Enter in its field submits it', async () => {
    const submit = vi.fn();
    const { user } = renderWithin(<Question onSubmit={submit} />, nothing);
    await user.click(screen.getByRole('button', { name: 'Ask' }));
    await user.type(await screen.findByLabelText('Reason'), 'because{Enter}');
    expect(submit).toHaveBeenCalledOnce();
  });
});

test('stale data is announced with the time it was loaded', () => {
  const { rerender } = renderWithin(<StaleBar since={null} />, nothing);
  expect(screen.getAllByRole('status')[0]?.textContent).toBe('');
  rerender(<StaleBar since={new Date('2026-01-02T03:04:05Z')} />);
  expect(screen.getAllByRole('status')[0]?.textContent).toContain("Can't reach the server");
});

describe('Reason', () => {
  test('shows a timestamp in local time without seconds, with the exact time as its title', () => {
    const end = new Date(2031, 4, 6, 7, 8, 9);
    renderWithin(
      <p>
        <Reason>{`4m left of 5m in staging, ends ${end.toISOString()}; awaiting approval: 1/2`}</Reason>
      </p>,
      nothing,
    );
    const time = screen.getByText('6 May 2031 07:09');
    expect(time.title).toContain('07:08:09');
    expect(time.getAttribute('datetime')).toBe(end.toISOString());
    expect(time.parentElement?.textContent).toMatch(
      /^4m left of 5m in staging, ends .*; awaiting approval: 1\/2$/,
    );
  });

  test('leaves a text without a valid timestamp as it is', () => {
    const text = 'awaiting approval: 1/2 since 2031-99-99T00:00:00Z';
    renderWithin(
      <p>
        <Reason>{text}</Reason>
      </p>,
      nothing,
    );
    expect(screen.getByText(text).querySelector('time')).toBeNull();
  });
});
