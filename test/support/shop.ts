import { setTimeout as pause } from 'node:timers/promises';
import { createCache, type CacheManager, type CachePreloader, type Resource } from 'tiercel';

interface Product {
  readonly id: number;
  readonly name: string;
  readonly price: number;
  readonly tags: readonly string[];
  readonly addedAt: Date;
}

/** A small application, so that every part of a dashboard has something to show. */
export class Shop implements AsyncDisposable {
  readonly cache: CacheManager;
  readonly sessions: CacheManager;
  readonly products: Resource<number, Product>;
  readonly carts: Resource<number, object>;
  readonly preloader: CachePreloader;
  /** Whether the database takes carts; it says no while this is false. */
  takesCarts = true;
  #traffic: NodeJS.Timeout | undefined;

  constructor(redis: string, namespace = 'shop') {
    this.cache = createCache({ redis, namespace, ttl: '10m', memory: { maxBytes: '96kb' } });
    this.sessions = this.cache.namespace('sessions', { ttl: '20s' });
    this.products = this.cache.resource('product', {
      load: async (id: number) => {
        await pause(4 + (id % 7));
        return product(id);
      },
      tags: (_product, id) => ['products', `shelf-${id % 10}`],
      staleWhileRevalidate: '5m',
    });
    this.carts = this.cache.resource('cart', {
      load: (id: number): object => ({ id, items: [] }),
      save: async (id: number) => {
        await pause(1);
        if (!this.takesCarts) throw new Error(`violates constraint "cart_owner": no user ${id}`);
      },
      write: 'behind',
      behind: { maxAttempts: 2, retryDelay: { min: 5, max: 10 } },
    });
    this.preloader = this.cache.preload([
      {
        name: 'bestsellers',
        schedule: '10m',
        keyPattern: 'bestseller:*',
        load: () => new Map(Array.from({ length: 200 }, (_, i) => [`bestseller:${i}`, product(i)])),
        warmUp: true,
      },
      {
        name: 'categories',
        schedule: '0 3 * * *',
        load: () => new Map([['category:all', ['books', 'music']]]),
      },
    ]);
  }

  /** Reads of some hundred a second, by Zipf's law more or less, with a few writes. */
  trade(): void {
    let turn = 0;
    this.#traffic = setInterval(() => {
      const size = 8 + Math.round(5 * Math.sin(turn++ / 40));
      for (let i = 0; i < size; i++) {
        const id = Math.floor(900 ** Math.random());
        this.products.get(id).catch(() => undefined);
        if (i % 4 === 0) {
          const load = (): object => ({ user: id, seenAt: new Date() });
          this.sessions.getOrSet(`session:${id}`, load).catch(() => undefined);
        }
      }
      if (turn % 20 === 0) this.carts.save(turn, { id: turn, items: [1, 2] }).catch(() => undefined);
      if (turn % 30 === 0) this.products.delete(turn % 90).catch(() => undefined);
    }, 25);
  }

  rest(): void {
    clearInterval(this.#traffic);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.rest();
    await this.cache.close();
  }
}

function product(id: number): Product {
  return {
    id,
    name: `Product number ${id}`,
    price: 100 + ((id * 37) % 900),
    tags: ['new', 'sale', 'classic'].slice(id % 3),
    addedAt: new Date(Date.UTC(2026, 0, 1 + (id % 300))),
  };
}
