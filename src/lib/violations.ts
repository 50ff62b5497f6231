import { BinaryReader } from '@bufbuild/protobuf/wire';

/** What is wrong with one field of a request. */
export interface FieldViolation {
  /** The field's path in the words of the contract: `soak_time.duration_seconds`; empty for the whole message. */
  readonly field: string;
  readonly message: string;
}

/**
 * Field violations as servers send them, read without the generated code of `buf.validate` (11 kB of brotli) or
 * `google.rpc`: both forms are lists in field 1 whose few fields stand at fixed numbers.
 */
const readers: Record<string, (reader: BinaryReader) => FieldViolation> = {
  'buf.validate.Violations': (reader) => {
    // Violation: message = 3, field = 5 (a FieldPath).
    let field = '';
    let message = '';
    eachField(reader, (number) => {
      if (number === 3) message = reader.string();
      else if (number === 5) field = readFieldPath(reader);
      else return false;
      return true;
    });
    return { field, message };
  },
  'google.rpc.BadRequest': (reader) => {
    // FieldViolation: field = 1, description = 2.
    let field = '';
    let message = '';
    eachField(reader, (number) => {
      if (number === 1) field = reader.string();
      else if (number === 2) message = reader.string();
      else return false;
      return true;
    });
    return { field: inContractWords(field), message };
  },
};

/** The violations in one error detail; none if the detail is of another type or cannot be read. */
export function readViolations(type: string, value: Uint8Array): readonly FieldViolation[] {
  const read = readers[type];
  if (!read) return [];
  const violations: FieldViolation[] = [];
  try {
    const list = new BinaryReader(value);
    eachField(list, (number) => {
      if (number !== 1) return false;
      violations.push(read(new BinaryReader(list.bytes())));
      return true;
    });
  } catch {
    // An answer that is cut off: the error's own message still says what is wrong.
  }
  return violations;
}

/** FieldPath: elements = 1; FieldPathElement: field_name = 2, index = 6, string_key = 10. */
function readFieldPath(reader: BinaryReader): string {
  let path = '';
  const elements = new BinaryReader(reader.bytes());
  eachField(elements, (number) => {
    if (number !== 1) return false;
    const element = new BinaryReader(elements.bytes());
    eachField(element, (part) => {
      if (part === 2) path += (path && '.') + element.string();
      else if (part === 6) path += `[${element.uint64()}]`;
      else if (part === 10) path += `[${JSON.stringify(element.string())}]`;
      else return false;
      return true;
    });
    return true;
  });
  return path;
}

/** Goes through a message; `take` reads a field it knows and says whether it did. */
function eachField(reader: BinaryReader, take: (number: number) => boolean): void {
  while (reader.pos < reader.len) {
    const [number, wireType] = reader.tag();
    if (!take(number)) reader.skip(wireType, number);
  }
}

/** `soakTime.durationSeconds` is the same field as `soak_time.duration_seconds`. */
function inContractWords(path: string): string {
  return path.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
