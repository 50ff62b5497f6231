import { Code } from '@connectrpc/connect';
import { expect, test } from 'vitest';
import { problemsOf } from './form-problems.ts';

const refusal = { code: Code.InvalidArgument, message: 'the whole', otherProblems: [] };

test('assigns problems to the form’s fields', () => {
  const found = problemsOf({ ...refusal, fieldErrors: { name: 'is taken' } }, ['name', 'email']);
  expect(found).toEqual({ name: 'is taken', form: undefined });
});

test('assigns problems of other fields to the form', () => {
  expect(problemsOf({ ...refusal, fieldErrors: { user_id: 'is no UUID' } }, ['name'])).toEqual({
    form: 'the whole',
  });
  expect(
    problemsOf(
      { ...refusal, fieldErrors: { name: 'is taken', user_id: 'is no UUID' }, otherProblems: ['too many'] },
      ['name'],
    ),
  ).toEqual({ name: 'is taken', form: 'user_id: is no UUID; too many' });
});

test('assigns a refusal without fields to the form', () => {
  expect(problemsOf({ ...refusal, fieldErrors: {} }, ['name'])).toEqual({ form: 'the whole' });
});
