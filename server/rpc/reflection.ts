import {
  createRegistry,
  type DescFile,
  type MessageInitShape,
  type Registry,
  toBinary,
} from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import { Code, type ServiceImpl } from '@connectrpc/connect';
import type {
  ServerReflection,
  ServerReflectionRequest,
  ServerReflectionResponseSchema,
} from '#server/gen/grpc/reflection/v1/reflection_pb.ts';
import { services } from './access-table.ts';

type Answer = MessageInitShape<typeof ServerReflectionResponseSchema>['messageResponse'];

const missing = (what: string): Answer => ({
  case: 'errorResponse',
  value: { errorCode: Code.NotFound, errorMessage: `there is no ${what}` },
});

/** A file and all that it imports, each once, imports first. */
function withImports(file: DescFile, found = new Set<DescFile>()): Set<DescFile> {
  for (const one of file.dependencies) if (!found.has(one)) withImports(one, found);
  return found.add(file);
}

/** Whatever declares a name: a type, or the type that a method, field or value belongs to. */
function declaring(registry: Registry, name: string): DescFile | undefined {
  const parent = name.slice(0, Math.max(0, name.lastIndexOf('.')));
  return (registry.get(name) ?? registry.get(parent))?.file;
}

/**
 * The standard `grpc.reflection.v1.ServerReflection`, by which `grpcurl` and others read the contract off the server. It
 * tells what the generated code knows: everything of the contract but its comments.
 */
export function reflectionHandlers(): ServiceImpl<typeof ServerReflection> {
  const list = Object.values(services);
  const all = new Set(list.flatMap(({ file }) => [...withImports(file)]));
  const files = new Map([...all].map((file) => [file.proto.name, file]));
  const registry = createRegistry(...all);

  const fileAnswer = (file: DescFile | undefined, what: string): Answer =>
    file === undefined
      ? missing(what)
      : {
          case: 'fileDescriptorResponse',
          value: {
            fileDescriptorProto: [...withImports(file)].map(({ proto }) =>
              toBinary(FileDescriptorProtoSchema, proto),
            ),
          },
        };

  const answerTo = ({ messageRequest: asked }: ServerReflectionRequest): Answer => {
    switch (asked.case) {
      case 'listServices':
        return {
          case: 'listServicesResponse',
          value: { service: list.map(({ typeName }) => ({ name: typeName })) },
        };
      case 'fileByFilename':
        return fileAnswer(files.get(asked.value), `file ${asked.value}`);
      case 'fileContainingSymbol':
        return fileAnswer(declaring(registry, asked.value), `symbol ${asked.value}`);
      case 'fileContainingExtension': {
        const { containingType, extensionNumber } = asked.value;
        const message = registry.getMessage(containingType);
        const extension = message && registry.getExtensionFor(message, extensionNumber);
        return fileAnswer(extension?.file, `extension ${extensionNumber} of ${containingType}`);
      }
      case 'allExtensionNumbersOfType': {
        if (registry.getMessage(asked.value) === undefined) return missing(`message ${asked.value}`);
        const extensionNumber = [...registry].flatMap((type) =>
          type.kind === 'extension' && type.extendee.typeName === asked.value ? [type.number] : [],
        );
        const value = { baseTypeName: asked.value, extensionNumber };
        return { case: 'allExtensionNumbersResponse', value };
      }
      case undefined:
        return {
          case: 'errorResponse',
          value: { errorCode: Code.InvalidArgument, errorMessage: 'the request asks for nothing' },
        };
    }
  };

  return {
    async *serverReflectionInfo(requests) {
      for await (const request of requests) {
        yield { validHost: request.host, originalRequest: request, messageResponse: answerTo(request) };
      }
    },
  };
}
