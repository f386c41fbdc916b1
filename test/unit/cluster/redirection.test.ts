import { describe, expect, it } from 'vitest';
import { refusal } from '../../../src/cluster/redirection.js';
import { ConnectionError, DeadlineError, ServerError } from '../../../src/errors.js';

const FROM = { host: '10.0.0.1', port: 7000 };
const answered = (message: string): ServerError =>
  new ServerError(`Redis answered: ${message}`, { cause: new Error(message) });

describe('what an answer says of a command that was not carried out', () => {
  it.each([
    ['MOVED 3999 10.0.0.2:6381', { kind: 'moved', slot: 3999, to: { host: '10.0.0.2', port: 6381 } }],
    ['MOVED 3999 :6381', { kind: 'moved', slot: 3999, to: { host: FROM.host, port: 6381 } }],
    ['MOVED 3999 ?:6381', { kind: 'moved', slot: 3999, to: { host: FROM.host, port: 6381 } }],
    [
      'MOVED 3999 node.internal:6381',
      { kind: 'moved', slot: 3999, to: { host: 'node.internal', port: 6381 } },
    ],
    ['ASK 0 ::1:6381', { kind: 'ask', slot: 0, to: { host: '::1', port: 6381 } }],
    ['TRYAGAIN Multiple keys request during rehashing of slot', { kind: 'tryagain' }],
    ['CLUSTERDOWN The cluster is down', { kind: 'down' }],
    ['LOADING Redis is loading the dataset in memory', { kind: 'busy' }],
    ['MASTERDOWN Link with MASTER is down', { kind: 'busy' }],
    ['READONLY You can’t write against a read only replica.', { kind: 'busy' }],
    ['WRONGTYPE Operation against a key', undefined],
    ['MOVEDNOT really', undefined],
    ['MOVED', undefined],
    ['MOVED x y', undefined],
  ])('%s', (message, expected) => {
    expect(refusal(answered(message), FROM)).toEqual(expected);
  });

  it('is that it was never sent, or that nobody knows', () => {
    expect(refusal(new ConnectionError('lost', { sent: false }), FROM)).toEqual({ kind: 'unreached' });
    expect(refusal(new ConnectionError('lost', { sent: true }), FROM)).toBeUndefined();
    expect(refusal(new DeadlineError('late'), FROM)).toBeUndefined();
  });
});
