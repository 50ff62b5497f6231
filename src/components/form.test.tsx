// @vitest-environment jsdom
import { screen } from '@testing-library/react';
import { expect, test, vi } from 'vitest';
import { renderWithin } from '#src/testing/render-within.tsx';
import { Form } from './form.tsx';

test('sends on Ctrl+Enter and ⌘+Enter; Enter in a text area is a new line', async () => {
  const submit = vi.fn();
  const { user } = renderWithin(
    <Form problems={null} onSubmit={submit}>
      <textarea aria-label="Comment" />
    </Form>,
    () => {},
  );
  const comment = screen.getByLabelText<HTMLTextAreaElement>('Comment');
  await user.type(comment, 'one{Enter}two');
  expect(comment.value).toBe('one\ntwo');
  expect(submit).not.toHaveBeenCalled();
  await user.type(comment, '{Control>}{Enter}{/Control}');
  await user.type(comment, '{Meta>}{Enter}{/Meta}');
  expect(submit).toHaveBeenCalledTimes(2);
  expect(comment.value).toBe('one\ntwo');
});
