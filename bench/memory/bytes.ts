import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const CHILD = fileURLToPath(new URL('bytes-child.ts', import.meta.url));
const CONTENDERS = ['Map', 'lru-cache, ttl', 'MemoryStore, ttl', 'a copy in a cache'];

async function ask<T>(...args: readonly string[]): Promise<T> {
  const child = fork(CHILD, args, { execArgv: [...process.execArgv, '--expose-gc'] });
  const [answer] = (await once(child, 'message')) as [T];
  return answer;
}

function mib(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(1).padStart(8);
}

export async function measureBytes(print: (line?: string) => void): Promise<void> {
  print();
  print(
    'bytes an entry beyond its key and value, 100,000 entries; when filled, and when 400,000 more came and went:',
  );
  for (const contender of CONTENDERS) {
    const found = await ask<number[]>('overhead', contender);
    print(`  ${contender.padEnd(26)}${found.map((bytes) => bytes.toFixed(1).padStart(8)).join('')}`);
  }
  print();
  print(
    'a MemoryStore of 64 MiB, one mix of values after the other: entries, MiB said, MiB held, difference',
  );
  for (const [mix, entries, said, held] of await ask<[string, number, number, number][]>('bound')) {
    const off = (100 * (held - said)) / said;
    print(
      `  ${mix.padEnd(26)}${String(entries).padStart(8)}${mib(said)}${mib(held)}${off.toFixed(1).padStart(8)} %`,
    );
  }
}
