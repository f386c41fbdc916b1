import { setTimeout as pause } from 'node:timers/promises';
import { deferred, type Deferred } from '../../servers/deferred.js';
import type { Stop } from './stepping-proxy.js';
import type { Store } from './strategies.js';

/** Where a statement may be made to stand. */
export type TablePoint = 'before the read' | 'behind the read' | 'before the commit' | 'behind the commit';

/** A table of a database whose statements a test can stop on their way, and which knows what it was asked. */
export class GatedTable<T> implements Store<T> {
  readonly rows = new Map<number, T>();
  /** Ids that were loaded, one for each time. */
  readonly loaded: number[] = [];
  /** Calls that loaded, of one or of many. */
  calls = 0;
  /** How many of them were under way at once, at most. */
  mostAtOnce = 0;
  /** Milliseconds that a load takes besides. */
  takes = 0;
  /** What happens at every point. */
  atEach: () => Promise<unknown> | undefined = () => undefined;
  /** Told of every value in the order in which the table had them. */
  onSaved: (id: number, value: T) => void = () => undefined;
  readonly #stops = new Map<
    TablePoint,
    { readonly reached: Deferred<void>; readonly released: Deferred<void> }
  >();
  #underWay = 0;

  /** Stops the next statement that comes to the point, and no other. */
  stop(point: TablePoint): Stop {
    const stop = { reached: deferred<void>(), released: deferred<void>() };
    this.#stops.set(point, stop);
    return { reached: stop.reached.promise, release: () => stop.released.resolve() };
  }

  readonly load = async (id: number): Promise<T | undefined> => (await this.loadMany([id]))[0];

  readonly loadMany = async (ids: readonly number[]): Promise<Array<T | undefined>> => {
    this.calls++;
    this.loaded.push(...ids);
    this.mostAtOnce = Math.max(this.mostAtOnce, ++this.#underWay);
    try {
      await this.#pass('before the read');
      const values = ids.map((id) => this.rows.get(id));
      await this.#pass('behind the read');
      if (this.takes > 0) await pause(this.takes);
      return values;
    } finally {
      this.#underWay--;
    }
  };

  readonly save = (id: number, value: T): Promise<void> =>
    this.#commit(() => {
      this.rows.set(id, value);
      this.onSaved(id, value);
    });

  readonly remove = (id: number): Promise<void> => this.#commit(() => this.rows.delete(id));

  async #commit(change: () => unknown): Promise<void> {
    await this.#pass('before the commit');
    change();
    await this.#pass('behind the commit');
  }

  async #pass(point: TablePoint): Promise<void> {
    await this.atEach();
    const stop = this.#stops.get(point);
    if (!stop) return;
    this.#stops.delete(point);
    stop.reached.resolve();
    await stop.released.promise;
  }
}
