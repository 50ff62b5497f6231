// Prints buf/validate/validate.proto, which our .proto files import, from the descriptor in @bufbuild/protovalidate: no
// npm package contains the source. Commit the result; run this again after an upgrade of that package:
//   node scripts/print-validate-proto.ts
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createRegistry, fromBinary, getExtension, hasExtension, toJsonString } from '@bufbuild/protobuf';
import {
  type DescriptorProto,
  type EnumDescriptorProto,
  type FieldDescriptorProto,
  FieldDescriptorProto_Label,
  FieldDescriptorProto_Type,
  type FileDescriptorProto,
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
} from '@bufbuild/protobuf/wkt';
import {
  file_buf_validate_validate,
  predefined,
} from '@bufbuild/protovalidate/gen/buf/validate/validate_pb.js';

const maximumFieldNumber = 536_870_911;

/** A proto string literal; for the ASCII text of CEL expressions, a JSON string is valid. */
function literal(text: string): string {
  return JSON.stringify(text);
}

function typeName(field: FieldDescriptorProto): string {
  if (field.typeName !== '') return field.typeName;
  return (FieldDescriptorProto_Type[field.type] ?? '').toLowerCase();
}

const labels: Record<FieldDescriptorProto_Label, string> = {
  [FieldDescriptorProto_Label.OPTIONAL]: 'optional',
  [FieldDescriptorProto_Label.REQUIRED]: 'required',
  [FieldDescriptorProto_Label.REPEATED]: 'repeated',
};

/** The options of a field: `deprecated` and CEL rules, the only two that the file uses. */
function fieldOptions(field: FieldDescriptorProto): string {
  const { options } = field;
  if (options === undefined) return '';
  const printed: string[] = [];
  if (options.deprecated) printed.push('deprecated = true');
  if (hasExtension(options, predefined)) {
    for (const rule of getExtension(options, predefined).cel) {
      const parts = [`id: ${literal(rule.id)}`];
      if (rule.message !== '') parts.push(`message: ${literal(rule.message)}`);
      parts.push(`expression: ${literal(rule.expression)}`);
      printed.push(`(predefined).cel = {\n      ${parts.join('\n      ')}\n    }`);
    }
  }
  return printed.length === 0 ? '' : ` [\n    ${printed.join(',\n    ')}\n  ]`;
}

function field(one: FieldDescriptorProto, withLabel: boolean): string {
  const label = withLabel ? `${labels[one.label]} ` : '';
  return `${label}${typeName(one)} ${one.name} = ${one.number}${fieldOptions(one)};`;
}

/** The `reserved` lines; enums include the end of a range (`lastIsIncluded`), messages do not. */
function reserved(of: DescriptorProto | EnumDescriptorProto, lastIsIncluded: boolean): string[] {
  const lines = of.reservedRange.map((range) => {
    const last = lastIsIncluded ? range.end : range.end - 1;
    return `  reserved ${range.start === last ? range.start : `${range.start} to ${last}`};`;
  });
  if (of.reservedName.length > 0) lines.push(`  reserved ${of.reservedName.map(literal).join(', ')};`);
  return lines;
}

function message(one: DescriptorProto): string {
  const lines: string[] = [];
  const openedOneofs = new Set<number>();
  for (const member of one.field) {
    const { oneofIndex } = member;
    if (oneofIndex === undefined || !Object.hasOwn(member, 'oneofIndex')) {
      lines.push(`  ${field(member, true)}`);
      continue;
    }
    if (openedOneofs.has(oneofIndex)) continue;
    openedOneofs.add(oneofIndex);
    lines.push(`  oneof ${one.oneofDecl[oneofIndex]?.name} {`);
    for (const choice of one.field) {
      if (Object.hasOwn(choice, 'oneofIndex') && choice.oneofIndex === oneofIndex) {
        lines.push(`  ${field(choice, false)}`);
      }
    }
    lines.push('  }');
  }
  for (const range of one.extensionRange) {
    lines.push(
      `  extensions ${range.start} to ${range.end - 1 === maximumFieldNumber ? 'max' : range.end - 1};`,
    );
  }
  lines.push(...reserved(one, false));
  return `message ${one.name} {\n${lines.join('\n')}\n}\n`;
}

function enumeration(one: EnumDescriptorProto): string {
  const values = one.value.map((value) => `  ${value.name} = ${value.number};`);
  return `enum ${one.name} {\n${[...values, ...reserved(one, true)].join('\n')}\n}\n`;
}

function print(file: FileDescriptorProto): string {
  const extensions = file.extension.map((one) => `extend ${one.extendee} {\n  ${field(one, true)}\n}\n`);
  return [
    '// Printed by scripts/print-validate-proto.ts from the descriptor in @bufbuild/protovalidate. Do not edit.\n',
    `syntax = "${file.syntax || 'proto2'}";\n`,
    `package ${file.package};\n`,
    `${file.dependency.map((path) => `import ${literal(path)};`).join('\n')}\n`,
    `${[
      `option go_package = ${literal(file.options?.goPackage ?? '')};`,
      `option java_multiple_files = ${file.options?.javaMultipleFiles ?? false};`,
      `option java_outer_classname = ${literal(file.options?.javaOuterClassname ?? '')};`,
      `option java_package = ${literal(file.options?.javaPackage ?? '')};`,
    ].join('\n')}\n`,
    ...extensions,
    ...file.messageType.map(message),
    ...file.enumType.map(enumeration),
  ].join('\n');
}

/** A file descriptor as JSON with decoded options, without comments and positions. */
function canonical(file: FileDescriptorProto): string {
  return toJsonString(
    FileDescriptorProtoSchema,
    { ...file, sourceCodeInfo: undefined },
    { registry: createRegistry(file_buf_validate_validate), prettySpaces: 1 },
  );
}

const folder = fileURLToPath(new URL('../proto-vendor/', import.meta.url));
const target = `${folder}buf/validate/validate.proto`;
const descriptor = file_buf_validate_validate.proto;
mkdirSync(dirname(target), { recursive: true });
writeFileSync(target, print(descriptor));

// The printed file must compile to the same descriptor.
const buf = fileURLToPath(new URL('../node_modules/.bin/buf', import.meta.url));
const image = execFileSync(buf, ['build', folder, '--as-file-descriptor-set', '-o', '-#format=binpb'], {
  maxBuffer: 32 * 1024 * 1024,
});
const compiled = fromBinary(FileDescriptorSetSchema, image).file.find(
  (file) => file.name === descriptor.name,
);
if (compiled === undefined || canonical(compiled) !== canonical(descriptor)) {
  throw new Error(
    `${target} does not compile to the descriptor of @bufbuild/protovalidate. Extend the printer.`,
  );
}
console.log(`Wrote ${target}`);
