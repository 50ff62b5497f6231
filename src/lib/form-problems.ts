import { useState } from 'react';
import { type DescribedError, describeError } from './errors.ts';

/** Problems by the field's path in the contract; `form` is for the form as a whole. */
export type FormProblems = Readonly<Record<string, string | undefined>>;

/** Assigns a refusal's problems to the form's fields; what belongs to none of them goes to `form`. */
export function problemsOf(refusal: DescribedError, fields: readonly string[]): FormProblems {
  const entries = Object.entries(refusal.fieldErrors);
  const known = entries.filter(([field]) => fields.includes(field));
  const others = entries.filter(([field]) => !fields.includes(field));
  if (known.length === 0) return { form: refusal.message };
  const rest = [...others.map(([field, message]) => `${field}: ${message}`), ...refusal.otherProblems];
  return { ...Object.fromEntries(known), form: rest.join('; ') || undefined };
}

/**
 * The problems of a form with these fields, by path. `attempt` is for `Form`: a new value for each failed attempt, so that
 * the focus moves to the first problem only then.
 */
export function useFormProblems(fields: readonly string[]) {
  const [problems, setProblems] = useState<FormProblems>({});
  const [attempt, setAttempt] = useState<object | null>(null);
  const show = (found: FormProblems) => {
    setProblems(found);
    setAttempt({});
  };
  return {
    problems,
    attempt,
    show,
    /** Shows the problems that the server found. */
    refuse: (error: unknown) => show(problemsOf(describeError(error), fields)),
    /** Removes all problems, before an attempt. */
    clear: () => {
      setProblems({});
      setAttempt(null);
    },
    /** Removes the problem of a field that has changed. */
    changed: (field: string) => {
      if (problems[field] !== undefined) setProblems({ ...problems, [field]: undefined });
    },
  };
}
