import type { Plugin } from 'vite';

/**
 * Writes the descriptors of the generated contract as text instead of base64. In base64 the same name looks different at each of
 * three offsets, so that it hides repetitions from brotli: with text, the first load is 5 kB smaller (November 2026).
 */
export function plainDescriptors(): Plugin {
  return {
    name: 'forage:plain-descriptors',
    apply: 'build',
    transform: {
      filter: { id: /\/src\/gen\/.*_pb\.ts$/ },
      handler(code) {
        return code.replace(/fileDesc\("([\w+/=]+)"/, (_, base64: string) => {
          const bytes = Buffer.from(base64, 'base64').toString('latin1');
          return `fileDesc(btoa(${JSON.stringify(bytes)})`;
        });
      },
    },
  };
}
