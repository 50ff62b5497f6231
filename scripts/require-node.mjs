// Loaded before every script (`node --import`): an older Node would fail on the first type annotation with an unhelpful
// message. For that reason it is plain JavaScript.
import module from 'node:module';
import { fileURLToPath } from 'node:url';

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 22 || (major === 22 && minor < 18)) {
  console.error(
    `Forage needs Node 22.18 or newer; this is ${process.version} (${process.execPath}).\n` +
      'On Linux x64 `npm ci` installs Node 24: run it without --omit=optional, and start scripts with `npm run`.',
  );
  process.exit(1);
}

// Caches the compiled code: the next start is faster and needs less memory.
module.enableCompileCache(fileURLToPath(new URL('../node_modules/.cache/forage', import.meta.url)));
