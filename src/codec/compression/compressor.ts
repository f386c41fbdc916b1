/** One way to make bytes fewer. Keeps nothing from call to call. */
export interface Compressor {
  /** As in the option `compression.algorithm`. */
  readonly name: string;
  /** In the header of entries (docs/format.md): 1 to 7. */
  readonly id: number;
  /** Whether both sides may be given bytes that values are likely to have in common. */
  readonly takesDictionary: boolean;
  /** Resolves when it may be called; undefined where it may be at once. */
  readonly starting: Promise<void> | undefined;
  /** @param level - how hard it tries; undefined for its default. */
  compress(bytes: Buffer, level: number | undefined, dictionary: Buffer | undefined): Uint8Array;
  /** The same off the main thread, where there is such a way. */
  compressLater(
    bytes: Buffer,
    level: number | undefined,
    dictionary: Buffer | undefined,
  ): Promise<Uint8Array>;
  /**
   * Never makes more than `length` bytes. Throws where that is not enough, and for what it did not write.
   *
   * @param length - what comes out, from 1.
   */
  decompress(bytes: Buffer, length: number, dictionary: Buffer | undefined): Uint8Array;
  /** The same off the main thread, where there is such a way. */
  decompressLater(bytes: Buffer, length: number, dictionary: Buffer | undefined): Promise<Uint8Array>;
}

/** From here on the event loop is not held: below, handing the work to another thread costs more than the work. */
export const LATER_FROM = 32 * 1024;
