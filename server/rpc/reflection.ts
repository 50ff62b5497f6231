import { type DescFile, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import { Code, type ServiceImpl } from '@connectrpc/connect';
import type {
  ServerReflection,
  ServerReflectionRequest,
  ServerReflectionResponseSchema,
} from '#server/gen/grpc/reflection/v1/reflection_pb.ts';
import { services } from './access-table.ts';
import { contractFiles, contractTypes, withImports } from './contract.ts';

type Answer = MessageInitShape<typeof ServerReflectionResponseSchema>['messageResponse'];

const missing = (what: string): Answer => ({
  case: 'errorResponse',
  value: { errorCode: Code.NotFound, errorMessage: `Unknown ${what}` },
});

/** The file that declares a type, or the type that a method, field or enum value belongs to. */
function fileDeclaring(name: string): DescFile | undefined {
  const parent = name.slice(0, Math.max(0, name.lastIndexOf('.')));
  return (contractTypes.get(name) ?? contractTypes.get(parent))?.file;
}

/** The standard `grpc.reflection.v1.ServerReflection`: serves the contract, without its comments, to tools such as `grpcurl`. */
export function reflectionHandlers(): ServiceImpl<typeof ServerReflection> {
  const filesByName = new Map([...contractFiles].map((file) => [file.proto.name, file]));

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

  const answerTo = ({ messageRequest }: ServerReflectionRequest): Answer => {
    switch (messageRequest.case) {
      case 'listServices':
        return {
          case: 'listServicesResponse',
          value: { service: Object.values(services).map(({ typeName }) => ({ name: typeName })) },
        };
      case 'fileByFilename':
        return fileAnswer(filesByName.get(messageRequest.value), `file ${messageRequest.value}`);
      case 'fileContainingSymbol':
        return fileAnswer(fileDeclaring(messageRequest.value), `symbol ${messageRequest.value}`);
      case 'fileContainingExtension': {
        const { containingType, extensionNumber } = messageRequest.value;
        const message = contractTypes.getMessage(containingType);
        const extension = message && contractTypes.getExtensionFor(message, extensionNumber);
        return fileAnswer(extension?.file, `extension ${extensionNumber} of ${containingType}`);
      }
      case 'allExtensionNumbersOfType': {
        if (contractTypes.getMessage(messageRequest.value) === undefined)
          return missing(`message ${messageRequest.value}`);
        const extensionNumber = [...contractTypes].flatMap((type) =>
          type.kind === 'extension' && type.extendee.typeName === messageRequest.value ? [type.number] : [],
        );
        const value = { baseTypeName: messageRequest.value, extensionNumber };
        return { case: 'allExtensionNumbersResponse', value };
      }
      case undefined:
        return {
          case: 'errorResponse',
          value: { errorCode: Code.InvalidArgument, errorMessage: 'The request has no query' },
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
