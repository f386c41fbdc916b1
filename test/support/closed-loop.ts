/** What a closed loop of callers met. */
interface LoopReport {
  readonly calls: number;
  /** Milliseconds of the slowest call. */
  readonly worst: number;
  readonly failures: readonly unknown[];
}

/** A number of callers, each of which asks again as soon as it has its answer. */
export interface ClosedLoop {
  /** Calls that have ended so far. */
  readonly calls: number;
  /** Ends it after the calls under way. */
  stop(): Promise<LoopReport>;
}

export function closedLoop(
  callers: number,
  call: (caller: number, turn: number) => Promise<unknown>,
): ClosedLoop {
  const ended = new AbortController();
  let calls = 0;
  let worst = 0;
  const failures: unknown[] = [];
  const run = async (caller: number): Promise<void> => {
    for (let turn = 0; !ended.signal.aborted; turn++) {
      const began = performance.now();
      try {
        await call(caller, turn);
      } catch (error) {
        failures.push(error);
      }
      worst = Math.max(worst, performance.now() - began);
      calls++;
      // Calls that never leave the process must not keep the event loop from its sockets.
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  const all = Promise.all(Array.from({ length: callers }, (_, caller) => run(caller)));
  return {
    get calls() {
      return calls;
    },
    async stop() {
      ended.abort();
      await all;
      return { calls, worst, failures };
    },
  };
}
