/** What names one thing of a kind. `42`, `42n` and `'42'` are the same thing. */
export type ResourceId = string | number | bigint;

/** Which of the types an id had, so that whoever gets it back from text gets what was given. */
export type IdType = 't' | 'n' | 'b';

export function idType(id: ResourceId): IdType {
  return typeof id === 'string' ? 't' : typeof id === 'number' ? 'n' : 'b';
}

/** Undefined for text that no id of this type has. */
export function idOf(text: string, type: IdType): ResourceId | undefined {
  if (type === 't') return text;
  try {
    const id = type === 'n' ? Number(text) : BigInt(text);
    return String(id) === text ? id : undefined;
  } catch {
    return undefined;
  }
}
