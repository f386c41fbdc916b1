import * as fc from 'fast-check';

/** The same bytes with some changed, cut off, doubled or put in. */
export function mutated(bytes: fc.Arbitrary<Buffer>): fc.Arbitrary<Buffer> {
  const change = fc.record({
    what: fc.constantFrom('byte', 'byte', 'byte', 'cut', 'double', 'insert'),
    where: fc.nat(),
    byte: fc.nat(255),
  });
  return fc.tuple(bytes, fc.array(change, { minLength: 1, maxLength: 5 })).map(([given, changes]) => {
    let changed = Buffer.from(given);
    for (const { what, where, byte } of changes) {
      const at = where % (changed.length + 1);
      if (what === 'byte') changed[Math.min(at, changed.length - 1)] = byte;
      else if (what === 'cut') changed = changed.subarray(0, at);
      else if (what === 'double') changed = Buffer.concat([changed, changed.subarray(at)]);
      else changed = Buffer.concat([changed.subarray(0, at), Buffer.of(byte), changed.subarray(at)]);
    }
    return changed;
  });
}

/** Text of the same kind: some of its characters changed, pieces of it doubled, cut off or put in. */
export function mutatedText(text: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return mutated(text.map((given) => Buffer.from(given))).map(String);
}

const leaf = fc.oneof(
  fc.constant(null),
  fc.boolean(),
  fc.integer(),
  fc.double(),
  fc.bigInt(),
  fc.string({ maxLength: 12 }),
  fc.string({ maxLength: 12 }).map((text) => Buffer.from(text)),
  fc.constantFrom('-1', '1e300', '99999999999999999999', 'NaN', '', '0'),
);

/** Whatever a server, a proxy or somebody else's client may hand over as a reply. */
export const anyReply: fc.Arbitrary<unknown> = fc.letrec((tie) => ({
  reply: fc.oneof({ depthSize: 'small', withCrossShrink: true }, leaf, tie('list'), tie('map')),
  list: fc.array(tie('reply'), { maxLength: 5 }),
  map: fc.dictionary(fc.string({ maxLength: 5 }), tie('reply'), { maxKeys: 4 }),
}))['reply'];
