import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { protoCamelCase } from '@bufbuild/protobuf/reflect';
import {
  type FieldPath,
  type FieldPathElementSchema,
  ViolationSchema,
  type Violations,
  ViolationsSchema,
} from '@bufbuild/protovalidate/gen/buf/validate/validate_pb.js';
import type { FieldProblem } from '#domain/problem.ts';

/** A field name and its subscript: an index, or the quoted key of a map. */
const PATH_ELEMENT = /([^.[\]]+)(?:\[(\d+)\]|\["(.*)"\])?/g;

const SNAKE = /\b[a-z]+(_[a-z]+)+\b/g;
const OWN_RULE = 'forage';

/** Our own field problems in the form of protovalidate's violations. */
export const violationsOf = (problems: readonly FieldProblem[]): Violations =>
  create(ViolationsSchema, {
    violations: problems.map(({ field, message }) => ({
      field: { elements: Array.from(field.matchAll(PATH_ELEMENT), elementOf) },
      message,
      ruleId: OWN_RULE,
    })),
  });

/** One element of a path such as `stages[2].depends_on` or `metadata["url"]`. */
function elementOf([, fieldName = '', index, key]: RegExpExecArray): MessageInitShape<
  typeof FieldPathElementSchema
> {
  if (index !== undefined) return { fieldName, subscript: { case: 'index', value: BigInt(index) } };
  return key === undefined ? { fieldName } : { fieldName, subscript: { case: 'stringKey', value: key } };
}

/** Renames fields as JSON has them (`releaseIntentId`), also in messages of the contract's rules. Changes what it gets. */
export function withJsonNames(violations: Violations): Violations {
  for (const violation of violations.violations) {
    for (const element of violation.field?.elements ?? [])
      element.fieldName = protoCamelCase(element.fieldName);
    // Our own messages name no other fields, and may quote the request.
    if (violation.ruleId !== OWN_RULE) violation.message = violation.message.replace(SNAKE, protoCamelCase);
  }
  return violations;
}

/** All violations in one line: `page_token: …; stages[2].id: …`. */
export const messageOf = ({ violations }: Violations): string =>
  violations
    .map(({ field, message }) => {
      const path = field === undefined ? '' : formatPath(field);
      return path === '' ? message : `${path}: ${message}`;
    })
    .join('; ');

const formatPath = ({ elements }: FieldPath): string =>
  elements
    .map(({ fieldName, subscript }) => {
      if (subscript.case === undefined) return fieldName;
      return `${fieldName}[${subscript.case === 'stringKey' ? JSON.stringify(subscript.value) : subscript.value}]`;
    })
    .join('.');

/** The violations that fit into `bytes`; a single one can be as long as the request whose map key it repeats. */
export function fitInto(bytes: number, { violations }: Violations): Violations {
  let left = bytes;
  const kept = violations.filter((violation) => {
    const size = toBinary(ViolationSchema, violation).length;
    if (size > left) return false;
    left -= size;
    return true;
  });
  return create(ViolationsSchema, { violations: kept });
}
