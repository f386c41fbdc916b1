/** Whether a key matches a glob, byte by byte and just as SCAN would say it of the whole key; here it is of a part of one. */
export function globMatcher(glob: string): (text: string) => boolean {
  const expression = new RegExp(`^${sourceOf(bytesOf(glob))}$`, 's');
  return (text) => expression.test(bytesOf(text));
}

/** One character a byte: a question mark stands for one byte, and not for one letter. */
function bytesOf(text: string): string {
  return Buffer.from(text).toString('latin1');
}

function sourceOf(glob: string): string {
  let source = '';
  for (let at = 0; at < glob.length; at++) {
    const character = glob.charAt(at);
    if (character === '*') source += '.*';
    else if (character === '?') source += '.';
    else if (character === '[') {
      const set = setAt(glob, at + 1);
      source += set.source;
      at = set.end;
    } else {
      if (character === '\\' && at + 1 < glob.length) at++;
      source += literal(glob.charAt(at));
    }
  }
  // Many stars in a row are one, and slow where they are not.
  return source.replaceAll(/(?:\.\*){2,}/g, '.*');
}

/** @returns what stands for the set, and where it ends; one that is never closed goes on to the end of the glob. */
function setAt(glob: string, start: number): { readonly source: string; readonly end: number } {
  let at = start;
  const negated = glob.charAt(at) === '^';
  if (negated) at++;
  let members = '';
  for (; at < glob.length && glob.charAt(at) !== ']'; at++) {
    if (glob.charAt(at) === '\\' && at + 1 < glob.length) {
      at++;
      members += literal(glob.charAt(at));
    } else if (glob.charAt(at + 1) === '-' && at + 2 < glob.length) {
      // Either end may be named first.
      const [from = '', to = ''] = [glob.charAt(at), glob.charAt(at + 2)].sort();
      members += `${literal(from)}-${literal(to)}`;
      at += 2;
    } else {
      members += literal(glob.charAt(at));
    }
  }
  if (members === '') return { source: negated ? '.' : '(?!)', end: at };
  return { source: `[${negated ? '^' : ''}${members}]`, end: at };
}

/** By its number, which means the same within a set and without. */
function literal(character: string): string {
  return `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`;
}
