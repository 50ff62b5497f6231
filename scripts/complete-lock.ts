// Adds packages for other systems to package-lock.json. npm omits optional packages that its registry lacks, and `npm ci` then
// refuses the lock file on every system. Run it after `npm install`:
//   npm run lock        writes
//   npm run check:lock  fails when something is missing
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './run.ts';

interface LockedPackage {
  readonly version?: string;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly dev?: boolean;
  readonly optional?: boolean;
  readonly license?: string;
  readonly engines?: Readonly<Record<string, string>>;
  readonly os?: readonly string[];
  readonly cpu?: readonly string[];
  readonly libc?: readonly string[];
}

interface LockFile {
  packages: Record<string, LockedPackage>;
}

const systems = ['android', 'darwin', 'freebsd', 'linux', 'openbsd', 'netbsd', 'win32', 'openharmony'];
const processors: Readonly<Record<string, string>> = { armv7: 'arm', armv6: 'arm' };
const known = [
  'arm64',
  'x64',
  'ia32',
  'arm',
  'ppc64',
  's390x',
  'riscv64',
  'loong64',
  'wasm32',
  'armv7',
  'armv6',
];
const libraries: Readonly<Record<string, string>> = { musl: 'musl', gnu: 'glibc', gnueabihf: 'glibc' };

/** The systems of a package that is named after its system; npm skips it on all others. */
function systemOf(name: string): Pick<LockedPackage, 'os' | 'cpu' | 'libc'> | null {
  const parts = name.slice(name.lastIndexOf('/') + 1).split('-');
  const os = parts.filter((part) => systems.includes(part));
  const cpu = parts.filter((part) => known.includes(part)).map((part) => processors[part] ?? part);
  const libc = parts.flatMap((part) => libraries[part] ?? []);
  if (cpu.length !== 1 || (os.length !== 1 && cpu[0] !== 'wasm32')) return null;
  return { cpu, ...(libc.length > 0 ? { libc } : {}), ...(os.length > 0 ? { os } : {}) };
}

const path = join(root, 'package-lock.json');
const lock = JSON.parse(readFileSync(path, 'utf8')) as LockFile;
const missing: Record<string, LockedPackage> = {};
for (const parent of Object.values(lock.packages)) {
  for (const [name, version] of Object.entries(parent.optionalDependencies ?? {})) {
    const key = `node_modules/${name}`;
    if (lock.packages[key] !== undefined) continue;
    const system = systemOf(name);
    // Other entries cannot be derived from name and version.
    if (system === null || !/^\d+\.\d+\.\d+/.test(version)) {
      throw new Error(
        `${name}@${version} is missing from package-lock.json and cannot be added from its name`,
      );
    }
    const { dev, license, engines } = parent;
    missing[key] = {
      version,
      cpu: system.cpu,
      ...(dev ? { dev } : {}),
      ...(system.libc ? { libc: system.libc } : {}),
      ...(license ? { license } : {}),
      optional: true,
      ...(system.os ? { os: system.os } : {}),
      ...(engines ? { engines } : {}),
    };
  }
}

const names = Object.keys(missing);
if (names.length === 0) {
  console.log('package-lock.json has every package for every system');
} else if (process.argv.includes('--check')) {
  console.log(`${names.join('\n')}\nare missing from package-lock.json. Run \`npm run lock\`.`);
  process.exitCode = 1;
} else {
  const entries = Object.entries({ ...lock.packages, ...missing });
  lock.packages = Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
  writeFileSync(path, `${JSON.stringify(lock, null, 2)}\n`);
  console.log(`Added ${names.length} packages for other systems to package-lock.json`);
}
