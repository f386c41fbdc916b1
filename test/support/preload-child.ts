/**
 * A process of its own that preloads, and tells of every turn that it begins. Run by `PreloadChild`.
 */
import { createCache } from 'tiercel';
import type { PreloadEvent, PreloadOrder } from './preload-in-child.js';

const [, , url = '', order = ''] = process.argv;
const { namespace, schedule, lease, takes } = JSON.parse(order) as PreloadOrder;

const tell = (event: PreloadEvent): void => void process.send?.(event);

process.on('disconnect', () => process.exit());

const cache = createCache({ redis: { url, commandTimeout: '2s' }, namespace });
await cache.ready();

const told = new Promise((resolve) => process.once('message', resolve));
const preloader = cache.preload(
  [
    {
      name: 'posts',
      schedule,
      load: async ({ turn }) => {
        tell({ kind: 'begins', turn });
        await (takes === undefined ? told : new Promise((resolve) => setTimeout(resolve, takes)));
        return [['post:1', process.pid]];
      },
    },
  ],
  { lease },
);

const waits = setInterval(() => {
  if (preloader.status()[0]?.state !== 'elsewhere') return;
  tell({ kind: 'waits' });
  clearInterval(waits);
}, 5);
