import type { LoadContext } from '../layers/load.js';
import type { ResourceId } from './resource-id.js';
import type { WriteStrategy } from './write-strategy.js';

/**
 * Read-through: readers ask the cache alone, which loads what it does not have. At most one load a key runs over all processes
 * (P1), and what was loaded before a change is never stored after it (P2).
 *
 * - When the process dies during a load: whoever waits in another process loads when its lease has run out.
 * - When the database refuses: those who share the load in this process have its error, in others one of those who wait loads next;
 *   nothing is stored. With `staleIfError` they are given the old value instead.
 * - When Redis is away: each process loads for itself, and keeps what it loads in memory for as long as it may be kept unheard.
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
