import type { RedisOptions } from 'tiercel';
import type { Life } from '../history.js';

/** What a worker is told as it is started. */
export interface WorkerOrder extends Life {
  readonly redis: RedisOptions;
  readonly postgresUrl: string;
  /** Where it writes down what happens, a line each. */
  readonly log: string;
  readonly seed: number;
  readonly workers: number;
  /** Things of each kind. */
  readonly things: number;
  readonly callers: number;
  /** Bytes of its memory. */
  readonly maxBytes: number;
  readonly ttl: number;
  readonly aheadTtl: number;
  /** Milliseconds that its clock is ahead of the machine's. */
  readonly clockSkew: number;
  readonly lease: number;
  readonly maxStaleWhenDisconnected: number;
}

/** What it is told later: stop changing things, read each of them once, end. */
export type WorkerCommand = 'settle' | 'sweep' | 'end';
/** What it answers: that it is ready, and that it has done what it was told. */
export type WorkerAnswer = 'ready' | WorkerCommand;
