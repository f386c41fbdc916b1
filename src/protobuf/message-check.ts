import { isMessage, ScalarType, type DescField, type DescMessage } from '@bufbuild/protobuf';

/**
 * Looks through a message for what protobuf would change without a word: it writes the number 5 into a field of text as `5`,
 * and leaves out a property that is no field.
 */
export type MessageCheck = (message: unknown, path: string) => string | undefined;

/** What is wrong, such as `value.name: expected text`. */
export function messageCheck(
  desc: DescMessage,
  made = new Map<string, { check: MessageCheck }>(),
): MessageCheck {
  const known = made.get(desc.typeName);
  if (known) return (message, path) => known.check(message, path); // it may contain itself
  const entry: { check: MessageCheck } = { check: () => undefined };
  made.set(desc.typeName, entry);
  // Those of protobuf itself have forms of their own in JavaScript, such as plain objects for a Struct.
  if (desc.typeName.startsWith('google.protobuf.')) return entry.check;

  const checks = desc.fields.map((field) => ({ field, check: fieldCheck(field, made) }));
  const properties = new Set(['$typeName', '$unknown', ...desc.members.map(({ localName }) => localName)]);
  entry.check = (message, path) => {
    if (!isMessage(message) || message.$typeName !== desc.typeName)
      return `${path}: expected a ${desc.typeName}`;
    for (const name of Object.keys(message)) {
      if (!properties.has(name)) return `${path}.${name}: there is no such field`;
    }
    const fields = message as unknown as Readonly<Record<string, unknown>>;
    for (const { field, check } of checks) {
      const value = field.oneof
        ? chosen(fields[field.oneof.localName], field.localName)
        : fields[field.localName];
      const wrong = value === undefined ? undefined : check(value, `${path}.${field.localName}`);
      if (wrong !== undefined) return wrong;
    }
    return undefined;
  };
  return entry.check;
}

function chosen(oneof: unknown, name: string): unknown {
  const { case: chosenName, value } = (oneof ?? {}) as { readonly case?: unknown; readonly value?: unknown };
  return chosenName === name ? value : undefined;
}

function fieldCheck(field: DescField, made: Map<string, { check: MessageCheck }>): MessageCheck {
  const check = field.message ? messageCheck(field.message, made) : scalarCheck(field);
  switch (field.fieldKind) {
    case 'list':
      return (value, path) => {
        if (!Array.isArray(value)) return `${path}: expected an array`;
        return firstWrong(value.entries(), check, path);
      };
    case 'map':
      return (value, path) => {
        if (typeof value !== 'object' || value === null || Array.isArray(value))
          return `${path}: expected an object`;
        return firstWrong(Object.entries(value), check, path);
      };
    default:
      return check;
  }
}

function firstWrong(
  items: Iterable<readonly [key: number | string, item: unknown]>,
  check: MessageCheck,
  path: string,
): string | undefined {
  for (const [key, item] of items) {
    const wrong = check(item, `${path}[${JSON.stringify(key)}]`);
    if (wrong !== undefined) return wrong;
  }
  return undefined;
}

function expecting(what: string, is: (value: unknown) => boolean): MessageCheck {
  return (value, path) => (is(value) ? undefined : `${path}: expected ${what}`);
}

/** Ranges are left to protobuf, which looks at them. */
function scalarCheck(field: DescField): MessageCheck {
  switch (field.scalar) {
    case ScalarType.STRING:
      return expecting('well-formed text', (value) => typeof value === 'string' && value.isWellFormed());
    case ScalarType.BOOL:
      return expecting('true or false', (value) => typeof value === 'boolean');
    case ScalarType.BYTES:
      return expecting('a Uint8Array', (value) => value instanceof Uint8Array);
    case ScalarType.INT64:
    case ScalarType.UINT64:
    case ScalarType.SINT64:
    case ScalarType.FIXED64:
    case ScalarType.SFIXED64:
      return 'longAsString' in field && field.longAsString
        ? expecting('digits', (value) => typeof value === 'string')
        : expecting('a BigInt', (value) => typeof value === 'bigint');
    default:
      return expecting('a number', (value) => typeof value === 'number');
  }
}
