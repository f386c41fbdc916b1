import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
/** Without it, memory in use is whatever the collector has not come to yet. */
export const collectGarbage = runInNewContext('gc') as () => void;
