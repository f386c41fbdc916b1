/** A timer that can be given up, for racing against something that usually comes first. */
export interface Delay {
  readonly passed: Promise<void>;
  cancel(): void;
}

/** @param ms - milliseconds. */
export function delay(ms: number): Delay {
  let timer: NodeJS.Timeout | undefined;
  const passed = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  return { passed, cancel: () => clearTimeout(timer) };
}
