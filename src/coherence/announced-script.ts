import { Script } from '../redis/script.js';

/**
 * The script, and behind it the message of what it did, in one step of the server: there is no moment at which a change is
 * made and its message neither sent nor to be sent, not even if the process ends there or the connection is cut between two
 * bytes. The channel and the message are its last two arguments.
 *
 * A script that failed half way may have changed something, so that is told too. One that changed nothing tells all the same:
 * the number of its message must be heard, and whoever sent it had reason to think that something changes.
 */
function announced(source: string): string {
  const head = /^#!lua[^\n]*\n/.exec(source)?.[0] ?? '';
  return `${head}
local message = table.remove(ARGV)
local channel = table.remove(ARGV)
local function change()
${source.slice(head.length)}
end
local ok, reply = pcall(change)
redis.call('PUBLISH', channel, message)
if ok or type(reply) == 'table' then return reply end
return redis.error_reply(tostring(reply))
`;
}

const variants = new Map<Script, Script>();

export function announcedScript(script: Script): Script {
  let variant = variants.get(script);
  if (!variant) variants.set(script, (variant = new Script(announced(script.source))));
  return variant;
}

/** A single command, its keys apart from its other words: a client that adds a prefix to keys finds them there. */
export const ANNOUNCED_COMMAND = announcedScript(
  new Script(`
local words = { ARGV[1] }
for _, key in ipairs(KEYS) do words[#words + 1] = key end
for i = 2, #ARGV do words[#words + 1] = ARGV[i] end
return redis.call(unpack(words))
`),
);
