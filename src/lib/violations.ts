import { BinaryReader } from '@bufbuild/protobuf/wire';

/** A problem of one field of a request. */
export interface FieldViolation {
  /** The field's path in the contract: `soak_time.duration_seconds`; empty for the whole message. */
  readonly field: string;
  readonly message: string;
}

/**
 * The violations in an error detail `buf.validate.Violations`; none for other types and unreadable bytes. Read by field
 * number, because the generated code is too large for the first load (docs/decisions/0021).
 */
export function readViolations(type: string, value: Uint8Array): readonly FieldViolation[] {
  if (type !== 'buf.validate.Violations') return [];
  const violations: FieldViolation[] = [];
  try {
    // Violations: violations = 1.
    readFields(new BinaryReader(value), {
      1: (list) => violations.push(readViolation(new BinaryReader(list.bytes()))),
    });
  } catch {
    // The error's own message still describes the problem.
  }
  return violations;
}

/** Violation: message = 3, field = 5 (a FieldPath). */
function readViolation(violation: BinaryReader): FieldViolation {
  let field = '';
  let message = '';
  readFields(violation, {
    3: (reader) => {
      message = reader.string();
    },
    5: (reader) => {
      field = readFieldPath(new BinaryReader(reader.bytes()));
    },
  });
  return { field, message };
}

/** FieldPath: elements = 1; FieldPathElement: field_name = 2, index = 6, string_key = 10. */
function readFieldPath(fieldPath: BinaryReader): string {
  let path = '';
  readFields(fieldPath, {
    1: (elements) =>
      readFields(new BinaryReader(elements.bytes()), {
        2: (reader) => {
          path += (path && '.') + protoName(reader.string());
        },
        6: (reader) => {
          path += `[${reader.uint64()}]`;
        },
        10: (reader) => {
          path += `[${JSON.stringify(reader.string())}]`;
        },
      }),
  });
  return path;
}

/** Reads a message's fields by number and skips the others. */
function readFields(reader: BinaryReader, fields: Record<number, (reader: BinaryReader) => unknown>): void {
  while (reader.pos < reader.len) {
    const [number, wireType] = reader.tag();
    const read = fields[number];
    if (read) read(reader);
    else reader.skip(wireType, number);
  }
}

/** The contract's name of a field that may have its JSON name: `durationSeconds` is `duration_seconds`. */
function protoName(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
