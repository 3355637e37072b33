// Resolves packages from the folder that the test runner installed them in.
import { createRequire } from 'node:module';
import path from 'node:path';

const folder = process.env.SEGUE_TEST_NODE_MODULES;
if (!folder) {
  console.error("SEGUE_TEST_NODE_MODULES is not set; run the tests with 'cargo xtask test'");
  process.exit(2);
}
export const require = createRequire(path.join(folder, 'index.js'));
export const resolve = (name) => require.resolve(name);
