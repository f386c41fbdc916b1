import type { LoadContext } from '../layers/load.js';
import type { ResourceId } from './resource-id.js';
import type { WriteStrategy } from './write-strategy.js';

/**
 * Read-through: readers ask the cache alone, which loads what it does not have. At most one load a key runs over all processes
 * (P1), and what was loaded before a change is never stored after it (P2).
 *
 * With write-behind the database is not the truth while a write waits for it: so the queue is asked first. A pending write that is
 * applied between the two questions is found by the load, since it is in the database before it leaves the queue. Where the queue
 * cannot be asked, the database's answer is passed on and not stored: it may be of before an acknowledged write.
 */
export async function loadThrough<T>(
  id: ResourceId,
  context: LoadContext,
  load: (context: LoadContext) => Promise<T> | T,
  strategy: WriteStrategy<T> | undefined,
): Promise<T> {
  if (strategy?.pending) {
    try {
      const pending = await strategy.pending(id);
      // Of what was removed there is none, which is undefined here.
      if (pending) return pending.value as T;
    } catch {
      context.skip();
    }
  }
  return load(context);
}
