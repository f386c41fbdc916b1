/** Where stands which blob is the dictionary of a kind of values at the moment. */
export interface DictionaryRegistry {
  /** The name of the blob; undefined where there is none yet. Rejects where that is unknown. */
  current(kind: string): Promise<string | undefined>;
  /** Whether this process may make one, which it is to do within a minute: one at a time, over all processes. */
  claim(kind: string): Promise<boolean>;
  /** Makes this blob the dictionary of the kind. */
  publish(kind: string, name: string): Promise<void>;
}
