/** What typed arrays hold values of slots in. */
type Numbers = Float64Array | Float32Array | Int32Array | Uint32Array;

/**
 * The column with another number of slots.
 *
 * @param order - for each of the first slots the one whose value it takes; left out: its own.
 */
export function resizedNumbers<T extends Numbers>(column: T, slots: number, order?: Int32Array): T {
  return resizedRecords(column, 1, slots, order);
}

/**
 * The same for a column that has several numbers a slot, side by side. They are copied bit by bit, whatever views there are of
 * them.
 */
export function resizedRecords<T extends Numbers>(
  column: T,
  width: number,
  slots: number,
  order?: Int32Array,
): T {
  const made = new (column.constructor as new (length: number) => T)(slots * width);
  if (order === undefined) {
    made.set(column);
    return made;
  }
  const bytes = column.BYTES_PER_ELEMENT * width;
  const from = new Uint8Array(column.buffer);
  const to = new Uint8Array(made.buffer);
  for (let i = 0; i < order.length; i++) {
    const start = (order[i] as number) * bytes;
    to.set(from.subarray(start, start + bytes), i * bytes);
  }
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
