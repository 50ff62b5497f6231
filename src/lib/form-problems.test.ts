import { Code } from '@connectrpc/connect';
import { expect, test } from 'vitest';
import { problemsOf } from './form-problems.ts';

const refusal = { code: Code.InvalidArgument, message: 'the whole', otherProblems: [] };

test('words stand at the fields that the form has', () => {
  const found = problemsOf({ ...refusal, fieldErrors: { name: 'is taken' } }, ['name', 'email']);
  expect(found).toEqual({ name: 'is taken', form: undefined });
});

test('a fault at a field that the form does not have is told of the whole', () => {
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

test('a refusal at no field is told of the whole', () => {
  expect(problemsOf({ ...refusal, fieldErrors: {} }, ['name'])).toEqual({ form: 'the whole' });
});
