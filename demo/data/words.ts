import type { Random } from '../random.js';

const first = [
  'Ada',
  'Bao',
  'Chidi',
  'Dana',
  'Emil',
  'Farah',
  'Goran',
  'Hana',
  'Ines',
  'Jun',
  'Kofi',
  'Lena',
];
const last = [
  'Abe',
  'Brandt',
  'Costa',
  'Diallo',
  'Eriksen',
  'Fujita',
  'Garcia',
  'Haddad',
  'Ivanova',
  'Jones',
];
const words = (
  'about after again always another around because before between bright bring build carry change close ' +
  'coffee could early every field first follow found garden great house large learn light little local long ' +
  'market might morning never night often other paper people photo place plant point quick quiet right river ' +
  'small sound still story street summer table thing think three today travel under water where which winter ' +
  'world would write young'
).split(' ');

export function username(id: number): string {
  return `user${id}`;
}

export function displayName(random: Random): string {
  return `${first[random.below(first.length)] ?? ''} ${last[random.below(last.length)] ?? ''}`;
}

/** Words without quotes or backslashes, which is what lets the loader quote a text by two marks. */
export function sentence(random: Random, length: number): string {
  let text = '';
  for (let i = 0; i < length; i++) text += (i === 0 ? '' : ' ') + (words[random.below(words.length)] ?? '');
  return text;
}
