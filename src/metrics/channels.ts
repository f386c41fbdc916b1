/**
 * What a cache tells whoever listens with `node:diagnostics_channel`, by the names of the channels. Nothing is made for a channel
 * that nobody listens to. Listeners run within the call that tells them: they must be quick, and what they throw is an
 * uncaught exception of the process (so does `diagnostics_channel` have it). Keys are in the messages as callers gave them.
 */

import { channel, type Channel } from 'node:diagnostics_channel';
import type { PortState } from '../redis/port.js';

/** Where an answer came from. */
export type Layer = 'memory' | 'redis' | 'load';

/** `tiercel:read`: one answer. Those who shared another's answer are not told of. */
export interface ReadEvent {
  /** The names joined with `:`. */
  readonly namespace: string;
  /** As the caller gave it. */
  readonly key: string;
  readonly layer: Layer;
  /** Past its `ttl`. */
  readonly stale: boolean;
  /** Milliseconds since the load of the value began; 0 for one just loaded. */
  readonly age: number;
}

/** `tiercel:load`: a loader that has ended. */
export interface LoadEvent {
  readonly namespace: string;
  readonly key: string;
  /** Milliseconds. */
  readonly duration: number;
  /** Whether no caller waited for it. */
  readonly background: boolean;
  /** What it threw; undefined where it brought a value. */
  readonly error: unknown;
}

/** `tiercel:write`: a `set` or `delete` by request, of one key, that has ended. */
export interface WriteEvent {
  readonly namespace: string;
  readonly key: string;
  readonly operation: 'set' | 'delete';
  /** Milliseconds. */
  readonly duration: number;
  /** Why it was not done, or why that is unknown; undefined where it was. */
  readonly error: unknown;
}

/** `tiercel:invalidate`: something that stood is not to be served any more. One of `key`, `tag` and `all`. */
export interface InvalidateEvent {
  readonly namespace: string;
  readonly key?: string;
  readonly tag?: string;
  /** Anything in the namespace may have changed. */
  readonly all?: true;
  /** `here`: this process deleted or invalidated it, and Redis has done so. `elsewhere`: the server told of a change by others. */
  readonly origin: 'here' | 'elsewhere';
}

/** `tiercel:error`: a failure that no caller is told of. */
export interface BackgroundErrorEvent {
  readonly namespace: string;
  /** Such as `fill` or `refresh`; see `BackgroundOperation`. */
  readonly operation: string;
  /** Empty where it was about no single key. */
  readonly key: string;
  readonly error: unknown;
}

/** `tiercel:state`: the way to Redis entered another state. */
export interface StateEvent {
  readonly address: string;
  readonly state: PortState;
  readonly previous: PortState;
  readonly error: unknown;
}

/** The channels by their names, with what is told on each. */
export interface CacheChannels {
  readonly 'tiercel:read': ReadEvent;
  readonly 'tiercel:load': LoadEvent;
  readonly 'tiercel:write': WriteEvent;
  readonly 'tiercel:invalidate': InvalidateEvent;
  readonly 'tiercel:error': BackgroundErrorEvent;
  readonly 'tiercel:state': StateEvent;
}

/** One channel, of which only the messages of its kind are told. */
type TypedChannel<Message> = Omit<Channel, 'publish'> & { publish(message: Message): void };

const open = <Name extends keyof CacheChannels>(name: Name): TypedChannel<CacheChannels[Name]> =>
  channel(name);

export const reads = open('tiercel:read');
export const loads = open('tiercel:load');
export const writes = open('tiercel:write');
export const invalidations = open('tiercel:invalidate');
export const errors = open('tiercel:error');
export const states = open('tiercel:state');
