interface Waiting<Question, Answer> {
  readonly question: Question;
  readonly done: (answer: Answer) => void;
  readonly failed: (error: unknown) => void;
}

/** How many questions are asked at once, at most, and how many times at the same time. */
interface Limits {
  readonly most: number;
  readonly atOnce: number;
}

/**
 * Asks one question at a time of something that answers many for little more than one: those that come while all look-ups
 * are under way wait, and go together in the next. `ask` answers a list in its order; when it fails, all of that list do.
 */
export function together<Question, Answer>(
  ask: (questions: readonly Question[]) => Promise<readonly Answer[]>,
  { most, atOnce }: Limits,
): (question: Question) => Promise<Answer> {
  const waiting: Waiting<Question, Answer>[] = [];
  let underWay = 0;
  let scheduled = false;

  const next = async (batch: readonly Waiting<Question, Answer>[]) => {
    underWay++;
    try {
      const answers = await ask(batch.map(({ question }) => question));
      for (const [index, { done, failed }] of batch.entries()) {
        const answer = answers[index];
        if (answer === undefined) failed(new Error('a question was left unanswered'));
        else done(answer);
      }
    } catch (error) {
      for (const { failed } of batch) failed(error);
    } finally {
      underWay--;
      schedule();
    }
  };
  const start = () => {
    scheduled = false;
    while (waiting.length > 0 && underWay < atOnce) void next(waiting.splice(0, most));
  };
  // Not at once: what has arrived at the same moment is asked together.
  const schedule = () => {
    if (scheduled || waiting.length === 0 || underWay >= atOnce) return;
    scheduled = true;
    setImmediate(start);
  };
  return (question) =>
    new Promise((done, failed) => {
      waiting.push({ question, done, failed });
      schedule();
    });
}
