/** One thing wrong with an input, tied to the field it stands in, so that a form and an API answer say the same. */
export interface FieldProblem {
  /** The field's path as the contract spells it, such as `soak_time.duration_seconds` or `stages[2].depends_on`. */
  readonly field: string;
  /** What is wrong and what would be right, as a sentence for the person who typed it. */
  readonly message: string;
}
