import { describe, expect, it } from 'vitest';
import { Watches } from '../../../src/coherence/watches.js';

describe('watches', () => {
  it('notice a change of their key while they last, however many there are', () => {
    const watches = new Watches();
    const [first, second, other] = [watches.begin('k'), watches.begin('k'), watches.begin('other')];
    watches.end(first);
    watches.changed('k');
    expect([first.changed, second.changed, other.changed]).toEqual([false, true, false]);
    watches.end(second);
    watches.end(other);
    expect(watches.size).toBe(0);
  });

  it('wake whoever waits for the change', async () => {
    const watches = new Watches();
    const watch = watches.begin('k');
    const change = watch.change;
    watches.changed('k');
    await change;
    await watch.change;
  });

  it('of what is stored here notice others', () => {
    const watches = new Watches();
    const watch = watches.beginOwn('k');
    watches.changed('k');
    expect(watch).toMatchObject({ changed: true, deaf: false });
  });

  it('of what is stored here are deaf where news may be of that itself, but not to what this process says', () => {
    const watches = new Watches(true);
    const watch = watches.beginOwn('k');
    watches.changed('k');
    watches.allChanged();
    expect(watch).toMatchObject({ changed: false, deaf: true });
    watches.supersede('k');
    expect(watch.changed).toBe(true);
  });

  it('of reads are void, and of what is stored here deaf, when changes may have gone unheard', () => {
    const watches = new Watches();
    const [read, own] = [watches.begin('k'), watches.beginOwn('k')];
    watches.allUnproven();
    expect(read.changed).toBe(true);
    expect(own).toMatchObject({ changed: false, deaf: true });
  });
});
