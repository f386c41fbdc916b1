/** Where the blobs stand that all processes share. The codec layer knows no more of Redis than this. */
export interface BlobStore {
  /** The bytes under the name, their own; undefined where there are none. Rejects where that is unknown. */
  fetch(name: string): Promise<Buffer | undefined>;
  /**
   * Sees to it that these bytes stand under the name for `life` milliseconds from now, or longer.
   *
   * @returns for how long they do; 0 where something else stands there. Rejects where that is unknown.
   */
  keep(name: string, bytes: Buffer, life: number): Promise<number>;
  /** Told of names whose bytes may be gone; null: any of them may be. */
  onLost(listener: (name: string | null) => void): void;
}
