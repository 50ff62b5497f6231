interface LockedPackage {
  readonly integrity?: string;
  /** Comes in the archive of another package, whose checksum includes it. */
  readonly inBundle?: boolean;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

export interface LockFile {
  readonly packages: Readonly<Record<string, LockedPackage>>;
}

/** A line for each package that is missing or has no checksum. */
export function lockProblems({ packages }: LockFile): string[] {
  const names = Object.values(packages).flatMap(({ optionalDependencies = {} }) =>
    Object.keys(optionalDependencies),
  );
  const missing = [...new Set(names)].filter((name) => packages[`node_modules/${name}`] === undefined);
  const unchecked = Object.entries(packages).filter(
    // '' is the project itself.
    ([path, { integrity, inBundle }]) =>
      path !== '' && inBundle !== true && !/^sha(384|512)-./.test(integrity ?? ''),
  );
  return [
    ...missing.map((name) => `${name} is missing`),
    ...unchecked.map(([path]) => `${path} has no checksum`),
  ];
}
