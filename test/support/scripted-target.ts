import type { BatchTarget, WriteOptions } from 'tiercel';
import { deferred, type Deferred } from '../../servers/deferred.js';

/** One command as the target got it, to be answered when the test says so. */
export interface ScriptedCommand {
  readonly type: 'get' | 'set' | 'delete';
  readonly key: string;
  readonly value?: unknown;
  readonly options?: WriteOptions | undefined;
  /** Carries it out and answers. */
  succeed(): void;
  /** Answers with an error without carrying it out. */
  fail(error: Error): void;
  /** Carries it out and loses the answer. */
  lose(error: Error): void;
}

/**
 * Stands in for a cache to drive the order of answers and their failures, which no real server lets a test choose. What it
 * does to its map happens with the answer.
 */
export class ScriptedTarget implements BatchTarget {
  readonly values = new Map<string, unknown>();
  /** All commands so far. */
  readonly commands: ScriptedCommand[] = [];
  /** Those not answered yet. */
  open: ScriptedCommand[] = [];
  /** Called for each command; by default it waits for the test. */
  onCommand: (command: ScriptedCommand) => void = () => undefined;

  get log(): string[] {
    return this.commands.map(
      ({ type, key, value }) => `${type} ${key}${type === 'set' ? `=${String(value)}` : ''}`,
    );
  }

  /** Answers everything from now on as soon as it is asked. */
  answerAll(): void {
    this.onCommand = (command) => command.succeed();
    this.succeedOpen();
  }

  succeedOpen(): void {
    for (const command of this.open) command.succeed();
  }

  get<T>(key: string): Promise<T | undefined> {
    return this.#command<T | undefined>({ type: 'get', key }, () => this.values.get(key) as T | undefined);
  }

  set(key: string, value: unknown, options?: WriteOptions): Promise<void> {
    return this.#command<void>({ type: 'set', key, value, options }, () => void this.values.set(key, value));
  }

  delete(key: string): Promise<boolean> {
    return this.#command<boolean>({ type: 'delete', key }, () => this.values.delete(key));
  }

  #command<T>(
    fields: Pick<ScriptedCommand, 'type' | 'key' | 'value' | 'options'>,
    execute: () => T,
  ): Promise<T> {
    const answer: Deferred<T> = deferred<T>();
    const close = (): void => void (this.open = this.open.filter((other) => other !== command));
    const command: ScriptedCommand = {
      ...fields,
      succeed: () => {
        close();
        answer.resolve(execute());
      },
      fail: (error) => {
        close();
        answer.reject(error);
      },
      lose: (error) => {
        close();
        execute();
        answer.reject(error);
      },
    };
    this.commands.push(command);
    this.open.push(command);
    this.onCommand(command);
    return answer.promise;
  }
}
