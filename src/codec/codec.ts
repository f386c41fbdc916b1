/** Turns values into bytes and back. One object serves every call, so it keeps no state between calls. */
export interface Codec {
  /** For messages and reports, such as `msgpack`. */
  readonly name: string;
  /**
   * Stored with every entry (0 to 15), so that a process with another codec sees a miss instead of nonsense.
   * 0 to 7 are Tiercel's own; take 8 to 15 for yours.
   */
  readonly id: number;
  /**
   * The bytes of `value`. They are copied before the next call, so a view into a reused buffer is fine.
   * Throws `EncodeError` for what it cannot bring back.
   */
  encode(value: unknown): Uint8Array;
  /** The value of `bytes`. It must not keep `bytes`: they belong to a larger, short-lived buffer. */
  decode(bytes: Uint8Array): unknown;
}
