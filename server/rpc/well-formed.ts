import type { DescField, DescMessage, Message } from '@bufbuild/protobuf';
import { ScalarType } from '@bufbuild/protobuf';
import type { FieldProblem } from '#domain/problem.ts';

const BROKEN = 'must be well-formed Unicode: it holds half of a surrogate pair';

/**
 * The texts of a message that are no Unicode, by field (`stages[2].id`). JSON can escape half a surrogate pair, which
 * UTF-8 and so the database cannot hold; it would be replaced on the way, and something else stored than was asked for.
 */
export function malformedTexts(desc: DescMessage, message: Message): FieldProblem[] {
  const found: FieldProblem[] = [];
  walk(desc, message, '', found);
  return found;
}

function walk(desc: DescMessage, message: Message, path: string, found: FieldProblem[]): void {
  for (const field of desc.fields) {
    const value = contentOf(field, message);
    if (value === undefined) continue;
    const name = `${path}${field.name}`;
    switch (field.fieldKind) {
      case 'scalar':
        if (field.scalar === ScalarType.STRING) text(value, name, found);
        break;
      case 'message':
        walk(field.message, value as Message, `${name}.`, found);
        break;
      case 'list':
        (value as readonly unknown[]).forEach((item, index) => {
          if (field.listKind === 'message') {
            walk(field.message, item as Message, `${name}[${index}].`, found);
          } else text(item, `${name}[${index}]`, found);
        });
        break;
      case 'map':
        for (const [key, item] of Object.entries(value as Readonly<Record<string, unknown>>)) {
          text(key, name, found);
          if (field.mapKind === 'message') walk(field.message, item as Message, `${name}.`, found);
          else text(item, name, found);
        }
    }
  }
}

function contentOf(field: DescField, message: Message): unknown {
  const values = message as unknown as Readonly<Record<string, unknown>>;
  if (field.oneof === undefined) return values[field.localName];
  const chosen = values[field.oneof.localName] as { case: string | undefined; value?: unknown } | undefined;
  return chosen?.case === field.localName ? chosen.value : undefined;
}

function text(value: unknown, field: string, found: FieldProblem[]): void {
  if (typeof value === 'string' && !value.isWellFormed()) found.push({ field, message: BROKEN });
}
