import { readFileSync } from 'node:fs';
import { runInThisContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { createCache, InvalidKeyError } from 'tiercel';

const guide = readFileSync(new URL('../../../docs/guides/strategies.md', import.meta.url), 'utf8');
const section = /^## Results of functions\n([\s\S]*?)^## /m.exec(guide)?.[1] ?? '';
const [forms = [], refusals = []] = section
  .split('\n\n')
  .filter((part) => part.startsWith('|'))
  .map((table) =>
    table
      .trim()
      .split('\n')
      .slice(2)
      .map((row) => row.split('|').map((cell) => cell.trim()) as [string, string, string]),
  );

const code = (cell: string): string => /^`(.*)`$/.exec(cell)?.[1] ?? '';
/** Made by the same constructors as those of the application. */
const argumentsOf = (cell: string): unknown[] => runInThisContext(`[${code(cell)}]`) as unknown[];

describe('docs/guides/strategies.md, of the results of functions', () => {
  it('has both tables', () => {
    expect(forms.length).toBeGreaterThan(10);
    expect(refusals.length).toBeGreaterThan(3);
  });

  it.each(forms)('says under what key a call is kept: %s%s', async (_, args, form) => {
    await using cache = createCache({ namespace: 'shop' });
    const wrapped = cache.wrap('fn', (..._args: unknown[]) => 'the result');
    await wrapped(...argumentsOf(args));
    expect(cache.peek(`fn(${code(form)})`)).toBe('the result');
  });

  it.each(refusals)('says what is refused: %s%s', async (_, args) => {
    await using cache = createCache({ namespace: 'shop' });
    const wrapped = cache.wrap('fn', (..._args: unknown[]) => 'the result');
    await expect(wrapped(...argumentsOf(args))).rejects.toThrow(InvalidKeyError);
  });

  it('shows a key that is the one', async () => {
    await using cache = createCache({ namespace: 'shop' });
    const profile = cache.wrap('profile', (id: number, language: string) => `${id} ${language}`);
    await profile(42, 'en');
    const [, key = ''] = /cache\.delete\('(.*)'\)/.exec(section) ?? [];
    expect(cache.peek(key)).toBe('42 en');
  });
});
