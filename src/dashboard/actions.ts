import type { OpenQueue } from '../manager/cache-parts.js';
import type { DeadLetter } from '../strategies/write-behind/dead-letters.js';
import { runInBackground } from '../runtime/background.js';
import { shown } from '../runtime/shown.js';
import { Refusal } from './exchange.js';
import { messageOf } from './frame.js';
import type { Inside } from './inside.js';

/** A write that the database kept refusing, for people. */
export interface LetterFrame extends Omit<DeadLetter, 'value' | 'id'> {
  readonly id: string;
  readonly value: string;
}

const MOST_LETTERS = 100;

type Action = (inside: Inside, query: URLSearchParams) => Promise<string>;

/** What may be done where actions are allowed. Each says what came of it, in words. */
export const ACTIONS: Readonly<Record<string, Action>> = {
  delete: async (inside, query) => {
    const key = wanted(query, 'key');
    const had = await inside.namespace(query.get('namespace') ?? '').delete(key);
    return had ? `Removed ${key}.` : `There was no ${key}.`;
  },

  'invalidate-tag': async (inside, query) => {
    const tag = wanted(query, 'tag');
    await inside.namespace(query.get('namespace') ?? '').invalidateTags([tag]);
    return `Nothing with the tag ${tag} is served any more.`;
  },

  clear: async (inside, query) => {
    const name = query.get('namespace') ?? '';
    const removed = await inside.clear(name);
    return `Cleared ${name}: ${removed} entries of Redis, and the copies in memory.`;
  },

  replay: async (inside, query) => {
    const { queue } = queueOf(inside, query);
    const outcome = await queue.deadLetters.replay(await letterOf(inside, query));
    const words = {
      replayed: 'The write is tried again.',
      superseded: 'The write was dropped: there is a newer one.',
      gone: 'The write is not there any more.',
    };
    return words[outcome];
  },

  'replay-all': async (inside, query) => {
    const { replayed, superseded, gone } = await queueOf(inside, query).queue.deadLetters.replayAll();
    return `${replayed} writes are tried again, ${superseded} were dropped for newer ones, ${gone} were gone.`;
  },

  drop: async (inside, query) => {
    const dropped = await queueOf(inside, query).queue.deadLetters.drop(await letterOf(inside, query));
    return dropped ? 'The write was given up.' : 'The write is not there any more.';
  },

  preload: async (inside, query) => {
    const pattern = wanted(query, 'pattern');
    const preloader = inside.preloaders[Number(query.get('preloader'))];
    if (!preloader?.status().some(({ name }) => name === pattern)) {
      throw new Refusal(404, `There is no preload pattern '${pattern}'.`);
    }
    // It may take long; how it goes is shown, and counted, where all turns are.
    runInBackground(preloader.runNow(pattern), () => undefined);
    return `Running ${pattern}.`;
  },
};

/** The oldest of them. */
export async function deadLetters(inside: Inside, query: URLSearchParams): Promise<LetterFrame[]> {
  const letters: LetterFrame[] = [];
  for await (const { value, ...letter } of queueOf(inside, query).queue.deadLetters.list()) {
    letters.push({ ...letter, id: String(letter.id), error: messageOf(letter.error), value: shown(value) });
    if (letters.length === MOST_LETTERS) break;
  }
  return letters;
}

/** With the id as it is: a number would not be found as text. */
async function letterOf(inside: Inside, query: URLSearchParams): Promise<Pick<DeadLetter, 'letter' | 'id'>> {
  const name = wanted(query, 'letter');
  for await (const { letter, id } of queueOf(inside, query).queue.deadLetters.list()) {
    if (letter === name) return { letter, id };
  }
  throw new Refusal(404, 'The write is not there any more.');
}

function queueOf(inside: Inside, query: URLSearchParams): OpenQueue {
  const namespace = query.get('namespace') ?? '';
  const name = wanted(query, 'queue');
  const found = inside.queues.find((queue) => queue.name === name && queue.namespace === namespace);
  if (!found) throw new Refusal(404, `There is no queue '${name}'.`);
  return found;
}

export function wanted(query: URLSearchParams, name: string): string {
  const value = query.get(name);
  if (value === null || value === '') throw new Refusal(400, `The parameter '${name}' is missing.`);
  return value;
}
