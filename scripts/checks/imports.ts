import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { cruise, type ICruiseResult } from 'dependency-cruiser';
import { importRules } from './import-rules.ts';

/** One import that the rules forbid. */
export interface ForbiddenImport {
  readonly rule: string;
  readonly from: string;
  readonly to: string;
  readonly why: string;
}

export interface ImportsReport {
  readonly modules: number;
  readonly imports: number;
  readonly forbidden: readonly ForbiddenImport[];
}

const folders = ['domain', 'server', 'src', 'scripts', 'e2e'];
const comments = new Map(importRules.map((rule) => [rule.name, rule.comment ?? '']));

/** Checks every import below the folder `root` by the rules of `import-rules.ts`. */
export async function checkImports(root: string): Promise<ImportsReport> {
  const result = await cruise(
    folders.filter((folder) => existsSync(resolve(root, folder))),
    {
      ruleSet: { forbidden: [...importRules] },
      validate: true,
      baseDir: root,
      // The native TypeScript compiler has no API for other tools.
      parser: 'swc',
      // Type-only imports count: they are dependencies too.
      tsPreCompilationDeps: true,
      doNotFollow: { path: 'node_modules' },
    },
    {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
      extensions: ['.ts', '.tsx', '.mjs', '.js', '.cjs', '.json', '.d.ts'],
      mainFields: ['module', 'main', 'types'],
    },
  );
  const { summary } = result.output as ICruiseResult;
  return {
    modules: summary.totalCruised,
    imports: summary.totalDependenciesCruised ?? 0,
    forbidden: summary.violations.map((violation) => ({
      rule: violation.rule.name,
      from: violation.from,
      to: violation.cycle?.map((step) => step.name).join(' → ') ?? violation.to,
      why: comments.get(violation.rule.name) ?? '',
    })),
  };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const report = await checkImports(process.cwd());
  for (const { rule, from, to, why } of report.forbidden) {
    console.log(`${rule}: ${from} → ${to}${why === '' ? '' : `\n    ${why}`}`);
  }
  console.log(`${report.imports} imports in ${report.modules} modules, ${report.forbidden.length} forbidden`);
  if (report.imports === 0) console.log('No imports found: the check itself is broken');
  process.exitCode = report.forbidden.length > 0 || report.imports === 0 ? 1 : 0;
}
