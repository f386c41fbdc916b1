import { Cleanup } from './cleanup.js';
import { runDemo } from './demo.js';
import { parseOptions, usage, type DemoOptions } from './options.js';

/*
 * The command `npm run demo`. Whatever way it ends, the servers end with it: in order if we are given the time, through
 * their guards if not.
 */

function readOptions(): DemoOptions | undefined {
  try {
    return parseOptions(process.argv.slice(2));
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${usage}`);
    return process.exit(2);
  }
}

const options = readOptions();
if (options === undefined) {
  console.log(usage);
  process.exit(0);
}
const cleanup = new Cleanup();
let serving = false;
let interrupted = false;

for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
] as const) {
  process.on(signal, () => {
    if (interrupted) return;
    interrupted = true;
    console.log('\nStopping.');
    // While it only serves, being stopped is how it ends.
    void cleanup.run().then(() => process.exit(serving ? 0 : code));
  });
}

try {
  await runDemo(options, cleanup);
  if (!options.once) serving = true;
} catch (error) {
  // What breaks because everything is being stopped is no failure.
  if (!interrupted) {
    console.error(error);
    process.exitCode = 1;
    await cleanup.run();
    process.exit();
  }
}
if (options.once && !interrupted) {
  await cleanup.run();
  process.exit();
}
