import { defineConfig } from 'vitest/config';

const conditions = ['@tiercel/source', 'node'];
const resolve = { conditions };
const ssr = { resolve: { conditions, externalConditions: conditions } };

export default defineConfig({
  test: {
    projects: [
      { resolve, ssr, test: { name: 'unit', include: ['test/unit/**/*.test.ts'] } },
      {
        resolve,
        ssr,
        test: {
          name: 'real servers',
          include: ['test/{contract,integration,promises}/**/*.test.ts'],
          globalSetup: ['test/support/global-setup.ts'],
          testTimeout: 20_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
});
