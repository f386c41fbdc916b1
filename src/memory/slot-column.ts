/** What typed arrays hold one value a slot in. */
type Numbers = Float64Array | Uint32Array | Int32Array | Uint8Array | Float32Array;

/**
 * The column with another number of slots.
 *
 * @param order - for each of the first slots the one whose value it takes; left out: its own.
 */
export function resizedNumbers<T extends Numbers>(column: T, slots: number, order?: Int32Array): T {
  const made = new (column.constructor as new (length: number) => T)(slots);
  if (order === undefined) made.set(column);
  else for (let i = 0; i < order.length; i++) made[i] = column[order[i] as number] as number;
  return made;
}

/** The same for anything. An array that grows by `push` has up to half of its slots to spare; this one has none. */
export function resized<T>(column: readonly T[], slots: number, nothing: T, order?: Int32Array): T[] {
  // oxlint-disable-next-line unicorn/no-new-array -- the length is what is wanted
  const made = new Array<T>(slots).fill(nothing);
  const held = order?.length ?? column.length;
  for (let i = 0; i < held; i++) made[i] = column[order ? (order[i] as number) : i] as T;
  return made;
}
