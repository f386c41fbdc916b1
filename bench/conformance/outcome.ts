/** What came of one check of one contender. */
export interface Outcome {
  readonly index: number;
  readonly promise: string;
  readonly name: string;
  readonly result: 'kept' | 'not offered' | 'broken' | 'crashed' | 'hung';
  /** What happened instead. */
  readonly why?: string;
}

/** Sent by the process of a contender. */
export type ConformanceMessage =
  | { readonly began: number; readonly promise: string; readonly name: string }
  | Outcome
  | { readonly done: true };
