import { createRegistry, type DescFile, type DescMethod } from '@bufbuild/protobuf';
import { services } from './access-table.ts';

const serviceList = Object.values(services);

/** A file and all that it imports, each once, imports first. */
export function withImports(file: DescFile, found = new Set<DescFile>()): Set<DescFile> {
  for (const imported of file.dependencies) if (!found.has(imported)) withImports(imported, found);
  return found.add(file);
}

/** Every file of the contract. */
export const contractFiles = new Set(serviceList.flatMap(({ file }) => [...withImports(file)]));

/** Every type of the contract by its full name. */
export const contractTypes = createRegistry(...contractFiles);

/** Every method by its address, such as `/forest.v1.PolicyService/ListPolicies`. */
export const methodsByPath: ReadonlyMap<string, DescMethod> = new Map(
  serviceList.flatMap(({ typeName, methods }) =>
    methods.map((method) => [`/${typeName}/${method.name}`, method]),
  ),
);
