/** A problem of one input field, shown alike by forms and in API errors. */
export interface FieldProblem {
  /** The field's path as the contract spells it, such as `soak_time.duration_seconds` or `stages[2].depends_on`. */
  readonly field: string;
  /** What is wrong and what is valid, for the user who typed it. */
  readonly message: string;
}
