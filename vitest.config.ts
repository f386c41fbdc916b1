import { defineConfig } from 'vitest/config';

const conditions = ['@tiercel/source', 'node'];
const resolve = { conditions };
const ssr = { resolve: { conditions, externalConditions: conditions } };

const onServers = {
  testTimeout: 20_000,
  hookTimeout: 60_000,
};
/** Whole programs, which keep the machine busy by themselves, or look at what their process holds. */
const alone = ['test/integration/{chaos,demo,soak}/**/*.test.ts'];

export default defineConfig({
  test: {
    projects: [
      { resolve, ssr, test: { name: 'unit', include: ['test/unit/**/*.test.ts'] } },
      {
        resolve,
        ssr,
        test: {
          ...onServers,
          name: 'real servers',
          include: ['test/{contract,integration,promises}/**/*.test.ts'],
          exclude: alone,
          globalSetup: ['test/support/build-page.ts', 'test/support/share-redis.ts'],
          // They wait more than they work.
          maxWorkers: 3,
          sequence: { groupOrder: 1 },
        },
      },
      {
        resolve,
        ssr,
        test: {
          ...onServers,
          name: 'real servers, one at a time',
          include: alone,
          globalSetup: ['test/support/build-page.ts'],
          maxWorkers: 1,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
