import { createHash } from 'node:crypto';
import type { DescEnum, DescField, DescMessage } from '@bufbuild/protobuf';

/**
 * Four bytes that differ between schemas that would read each other's messages: over the names, numbers and types of all fields
 * and enum values, of the message and of all that it can contain. Comments, options and the order in the file do not count.
 */
export function fingerprintOf(message: DescMessage): Buffer {
  const lines: string[] = [];
  const seen = new Set<string>();
  const pending: Array<DescMessage | DescEnum> = [message];
  for (let desc = pending.pop(); desc; desc = pending.pop()) {
    if (seen.has(desc.typeName)) continue;
    seen.add(desc.typeName);
    lines.push(desc.kind === 'enum' ? describeEnum(desc) : describeMessage(desc, pending));
  }
  return createHash('sha256').update(lines.sort().join('\n')).digest().subarray(0, 4);
}

function describeEnum({ typeName, values, open }: DescEnum): string {
  const described = values.map(({ number, name }) => `${number}=${name}`);
  return `enum ${typeName} ${open} ${described.sort().join()}`;
}

function describeMessage({ typeName, fields }: DescMessage, pending: Array<DescMessage | DescEnum>): string {
  const described = fields.map((field) => {
    if (field.message) pending.push(field.message);
    if (field.enum) pending.push(field.enum);
    return describeField(field);
  });
  return `message ${typeName} ${described.sort().join()}`;
}

function describeField(field: DescField): string {
  const kind = field.fieldKind === 'list' ? `list of ${field.listKind}` : field.fieldKind;
  const key = field.fieldKind === 'map' ? `by ${field.mapKey} of ${field.mapKind}` : '';
  const type = field.message?.typeName ?? field.enum?.typeName ?? field.scalar ?? '';
  const { number, localName, presence, oneof } = field;
  return `${number} ${localName} ${kind}${key} ${type} ${presence} ${oneof?.localName ?? ''}`;
}
