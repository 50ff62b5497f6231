import { useState } from 'react';
import { type DescribedError, describeError } from './errors.ts';

/** What is wrong, by the field's path in the contract; `form` is the whole. */
export type FormProblems = Readonly<Record<string, string | undefined>>;

/** Puts a refusal's words at the fields that the form has; what belongs to none of them is told of the form as a whole. */
export function problemsOf(refusal: DescribedError, fields: readonly string[]): FormProblems {
  const entries = Object.entries(refusal.fieldErrors);
  const known = entries.filter(([field]) => fields.includes(field));
  const others = entries.filter(([field]) => !fields.includes(field));
  if (known.length === 0) return { form: refusal.message };
  const rest = [...others.map(([field, words]) => `${field}: ${words}`), ...refusal.otherProblems];
  return { ...Object.fromEntries(known), form: rest.join('; ') || undefined };
}

/**
 * What is wrong with a form. `fields` are the paths of the fields it has. `attempt` is for `Form`: new with each attempt
 * that failed, so that the focus goes to the first fault then, and not while somebody types.
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
    /** Shows what the server refused. */
    refuse: (error: unknown) => show(problemsOf(describeError(error), fields)),
    /** Before an attempt: nothing is wrong. */
    clear: () => {
      setProblems({});
      setAttempt(null);
    },
    /** After a change: a message about what stood in this field would be about something else now. */
    changed: (field: string) => {
      if (problems[field] !== undefined) setProblems({ ...problems, [field]: undefined });
    },
  };
}
