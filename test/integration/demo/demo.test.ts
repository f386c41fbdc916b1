import { describe, expect, it } from 'vitest';
import { DemoProcess } from './demo-process.js';

/** A network of its own, so that a demo somebody has open is not in the way. */
const little = ['--users', '300', '--seconds', '1', '--port', '0'];

const patience = 60_000;

function patch(body: string): RequestInit {
  return { method: 'PATCH', body };
}

function apiOf(output: string): string {
  const address = /The API is up at (?<address>http:\S+);/.exec(output)?.groups?.['address'];
  if (address === undefined) throw new Error(`no address in:\n${output}`);
  return address;
}

describe('npm run demo', () => {
  it(
    'prints the table and ends well, leaving no process and no folder behind',
    async () => {
      await using demo = await DemoProcess.start('--once', ...little);
      await demo.printed('With the cache, now filled');
      const seen = await demo.descendants();
      expect(await demo.exit(), demo.output).toBe(0);

      expect(demo.output).toMatch(/without cache +with cache +factor/);
      for (const row of [
        'requests/s',
        'mean',
        'p50',
        'p95',
        'p99',
        'database queries',
        'hit ratio',
        'database load saved',
      ]) {
        expect(demo.output).toContain(`\n${row} `);
      }
      expect(demo.output).toMatch(/the tuned query, same indexes +[\d.]+ ms/);
      expect(demo.output).toMatch(
        /\d+ profiles were compared with the database, [1-9]\d* of them edited under load, all equal/,
      );
      // Preloading, write-through and write-behind, each with its figures without and with the cache.
      expect(demo.output).toMatch(/lists preloaded \/ loaded by callers +0 \/ [1-9][\d,]* +2 \/ 0\n/);
      expect(demo.output).toMatch(/profile edits, written through +[1-9][\d,]* +[1-9][\d,]*\n/);
      const views = /views counted \/ statements for them +([\d,]+) \/ ([\d,]+) +([\d,]+) \/ ([\d,]+)\n/;
      const [written = 0, each = 0, counted = 0, statements = 0] = [...(views.exec(demo.output) ?? [])]
        .slice(1)
        .map((text) => Number(text.replaceAll(',', '')));
      expect(written).toBeGreaterThan(0);
      expect(each).toBe(written);
      expect(statements).toBeGreaterThan(0);
      expect(statements).toBeLessThan(counted / 2);

      for (const program of ['postgres', 'redis-server', 'worker.ts']) {
        expect(seen.map(({ command }) => command).join('\n')).toContain(program);
      }
      expect(await demo.survivorsOf(seen)).toEqual([]);
      expect(await demo.leftovers()).toEqual([]);
    },
    patience,
  );

  it(
    'runs on a Cluster too, and says what each node did',
    async () => {
      await using demo = await DemoProcess.start('--once', '--cluster', ...little);
      expect(await demo.exit(), demo.output).toBe(0);
      expect(demo.output.match(/ primary, 5,46\d slots, [\d,]+ commands /g)).toHaveLength(3);
      expect(demo.output.match(/ replica of 127/g)).toHaveLength(3);
      expect(demo.output).toMatch(/database load saved/);
    },
    patience,
  );

  it(
    'serves the API afterwards, until Ctrl-C ends it well',
    async () => {
      await using demo = await DemoProcess.start(...little);
      await demo.printed('The dashboard is at');
      const api = apiOf(demo.output);
      const ask = async (path: string, init?: RequestInit): Promise<{ status: number; body: unknown }> => {
        const response = await fetch(api + path, init);
        return { status: response.status, body: await response.json() };
      };

      expect(demo.output).toContain(`The dashboard is at ${api}/tiercel/`);
      expect((await fetch(`${api}/tiercel/`)).headers.get('content-type')).toContain('text/html');
      const { body: frame } = await ask('/tiercel/api/frame');
      expect(frame).toMatchObject({ namespaces: ['demo'], snapshot: { version: 1 } });

      const cached = await ask('/users/7/profile');
      expect(cached).toEqual(await ask('/users/7/profile?cache=off'));
      expect(cached).toMatchObject({ status: 200, body: { id: 7, username: 'user7' } });

      expect(await ask('/users/7', patch('{"bio":"A new one"}'))).toEqual({ status: 200, body: { id: 7 } });
      expect(await ask('/users/7/profile')).toMatchObject({ body: { bio: 'A new one' } });

      expect((await ask('/posts/popular?limit=3')).body).toHaveLength(3);
      expect((await ask('/users/trending')).body).toHaveLength(20);
      expect(await ask('/healthz')).toMatchObject({ status: 200 });

      expect(await ask('/users/301/profile')).toMatchObject({ status: 404 });
      expect(await ask('/users/0/profile')).toMatchObject({ status: 400 });
      expect(await ask('/users/301', patch('{"bio":""}'))).toMatchObject({ status: 404 });
      expect(await ask('/users/7', patch('{"followers":9}'))).toMatchObject({ status: 400 });
      expect(await ask('/users/7', patch(JSON.stringify({ bio: 'x'.repeat(20_000) })))).toMatchObject({
        status: 413,
      });
      expect(await ask('/users/7')).toMatchObject({ status: 405 });
      expect(await ask('/posts/popular?limit=0')).toMatchObject({ status: 400 });
      expect(await ask('/nothing')).toMatchObject({ status: 404 });

      const seen = await demo.descendants();
      demo.kill('SIGINT');
      expect(await demo.exit(), demo.output).toBe(0);
      expect(await demo.survivorsOf(seen)).toEqual([]);
      expect(await demo.leftovers()).toEqual([]);
    },
    patience,
  );

  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
    // Nothing of ours runs any more; the guards of the servers have to do it.
    ['SIGKILL', null],
  ] as const)(
    'stops everything on %s under load',
    async (signal, code) => {
      await using demo = await DemoProcess.start(...little, '--seconds', '30');
      await demo.printed('Without the cache');
      const seen = await demo.descendants();
      demo.kill(signal);
      expect(await demo.exit(), demo.output).toBe(code);
      expect(await demo.survivorsOf(seen)).toEqual([]);
      expect(await demo.leftovers()).toEqual([]);
    },
    patience,
  );

  it('explains itself when it is called wrongly', async () => {
    await using demo = await DemoProcess.start('--users', 'many');
    expect(await demo.exit()).toBe(2);
    expect(demo.output).toContain("--users: expected a whole number from 100 to 200000, got 'many'.");
    expect(demo.output).toContain('npm run demo -- [options]');
  });
});
