import { execFile } from 'node:child_process';
import { cp, mkdtemp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import zlib from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sharedRedisUrl, uniquePrefix } from '../support/redis.js';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../../', import.meta.url));
const require = createRequire(import.meta.url);

/** The package as npm would install it, in a folder from which no other package of this project can be found. */
describe('the built package, in a Node of its own', () => {
  let app: string;

  beforeAll(async () => {
    app = await mkdtemp(join(tmpdir(), 'tiercel-entry-'));
    const home = join(app, 'node_modules', 'tiercel');
    await mkdir(home, { recursive: true });
    await run(process.execPath, [
      require.resolve('typescript/package.json').replace('package.json', 'bin/tsc'),
      '-p',
      join(root, 'tsconfig.build.json'),
      '--outDir',
      join(home, 'dist'),
    ]);
    await cp(join(root, 'package.json'), join(home, 'package.json'));
    const manifest = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as {
      dependencies: Record<string, string>;
    };
    for (const name of Object.keys(manifest.dependencies)) {
      const from = join(root, 'node_modules', name);
      await cp(from, join(app, 'node_modules', name), { recursive: true, dereference: true });
    }
    await writeFile(join(app, 'package.json'), '{"type":"module"}');
  }, 60_000);
  afterAll(() => rm(app, { recursive: true, force: true }));

  /** Runs a program there and returns what it prints as JSON. */
  async function printed(program: string): Promise<unknown> {
    const file = join(app, 'main.js');
    await writeFile(file, program);
    const { stdout } = await run(process.execPath, ['--unhandled-rejections=strict', file], {
      cwd: app,
      timeout: 10_000,
      env: { PATH: process.env['PATH'] ?? '' },
    });
    return JSON.parse(stdout);
  }

  it('is loaded without any Redis client, and has what it says it exports', async () => {
    const names = (await printed(`
      import * as tiercel from 'tiercel'
      console.log(JSON.stringify(Object.keys(tiercel)))
    `)) as string[];
    expect(names.toSorted()).toEqual(Object.keys(await import('../../src/index.js')).toSorted());
  });

  it('shows metrics and health without prom-client, and needs the API of OpenTelemetry only where it is asked for', async () => {
    const outcome = await printed(`
      import { createCache } from 'tiercel'
      import { prometheusText } from 'tiercel/prometheus'
      import { readinessHandler } from 'tiercel/health'
      const cache = createCache()
      await cache.getOrSet('k', () => 1)
      const otel = await import('tiercel/otel').catch((error) => error.code)
      console.log(JSON.stringify([prometheusText(cache).includes('tiercel_loads_total'), typeof readinessHandler(cache), otel]))
    `);
    expect(outcome).toEqual([true, 'function', 'ERR_MODULE_NOT_FOUND']);
  });

  it('brings a dashboard that needs no other package', async () => {
    await cp(join(root, 'dist/dashboard/page'), join(app, 'node_modules/tiercel/dist/dashboard/page'), {
      recursive: true,
    });
    const answers = await printed(`
      import { createCache } from 'tiercel'
      import { dashboardHandler } from 'tiercel/dashboard'
      import { createServer } from 'node:http'
      const cache = createCache()
      const server = createServer(dashboardHandler(cache)).listen(0, '127.0.0.1', async () => {
        const base = 'http://127.0.0.1:' + server.address().port + '/tiercel'
        const types = []
        for (const path of ['/', '/index.js', '/style.css', '/api/frame']) {
          types.push((await fetch(base + path)).headers.get('content-type').split(';')[0])
        }
        console.log(JSON.stringify(types))
        server.close()
        server.closeAllConnections()
      })
    `);
    expect(answers).toEqual(['text/html', 'text/javascript', 'text/css', 'application/json']);
  });

  it('says which package is missing and how to install it, once a connection is wanted', async () => {
    const outcome = await printed(`
      import { createCache, CacheClient } from 'tiercel'
      const cache = createCache({ redis: 'redis://127.0.0.1:1' })
      const ready = await cache.ready().catch((error) => error)
      const value = await cache.getOrSet('k', () => 'loaded')
      await cache.close()
      const connect = await CacheClient.connect('redis://127.0.0.1:1').catch((error) => error)
      console.log(JSON.stringify([ready.name, ready.code, ready.message, value, connect.code]))
    `);
    expect(outcome).toEqual([
      'MissingPeerError',
      'TIERCEL_MISSING_PEER',
      expect.stringContaining('npm install @redis/client'),
      'loaded',
      'TIERCEL_MISSING_PEER',
    ]);
  });

  it('says which package a compressor needs that is not there, and where the option is given', async () => {
    const outcome = await printed(`
      import { createCache } from 'tiercel'
      const messages = ['lz4', 'zstd', 'auto'].map((algorithm) => {
        try {
          createCache({ compression: { algorithm } })
        } catch (error) {
          return [error.code, error.message]
        }
      })
      console.log(JSON.stringify(messages))
    `);
    const missing = (name: string): unknown => ['TIERCEL_MISSING_PEER', expect.stringContaining(name)];
    expect(outcome).toEqual([
      missing('npm install lz4-napi'),
      'zstdCompressSync' in zlib ? null : missing('npm install @bokuweb/zstd-wasm'),
      null,
    ]);
  });

  it('brings a command line, which says what it needs where there is no Redis client', async () => {
    const bin = join(app, 'node_modules/tiercel/dist/cli/bin.js');
    const { stdout } = await run(process.execPath, [bin, '--version']);
    expect(stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
    const failed = (await run(process.execPath, [bin, 'stats']).catch((error: unknown) => error)) as Error;
    expect(failed).toMatchObject({ code: 1, stderr: expect.stringContaining('npm install @redis/client') });
  });

  it('ends its process when the application has nothing left to do, closed or not', async () => {
    const ended = await printed(`
      import { createCache } from 'tiercel'
      const cache = createCache({ redis: 'redis://127.0.0.1:1' })
      console.log(JSON.stringify(await cache.getOrSet('k', () => 1)))
    `);
    expect(ended).toBe(1);
  });

  it('works with the client installed, and lets a process end that has closed its cache', async () => {
    for (const name of ['@redis/client', 'cluster-key-slot']) {
      await cp(join(root, 'node_modules', name), join(app, 'node_modules', name), { recursive: true });
    }
    const value = await printed(`
      import { createCache } from 'tiercel'
      const cache = createCache({
        redis: { url: '${sharedRedisUrl()}', connections: 2, commandTimeout: '5s' },
        namespace: '${uniquePrefix()}',
      })
      await cache.ready()
      await cache.setMany([['a', 1n], ['b', new Date(0)]], { ttl: '1m' })
      const values = await cache.getMany(['a', 'b'])
      await cache.close()
      console.log(JSON.stringify([...values].map(String)))
    `);
    expect(value).toEqual(['a,1', `b,${String(new Date(0))}`]);
  });
});
