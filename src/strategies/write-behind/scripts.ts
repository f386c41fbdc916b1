import { Script } from '../../redis/script.js';

/** All times are the server's, so that processes with crooked clocks agree. */
const NOW = `
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
`;

/**
 * Acknowledges a write. The newest of an id replaces the one before, which need not reach the database any more, and keeps its
 * place in the queue, so that an id that is written all the time is not put off for ever.
 *
 * KEYS pending ready waiting meta dead-ids; ARGV id kind entry most-pending oldest-age ('' for any).
 * Answers the sequence number, or why it was refused: `full` or `late`.
 */
export const ENQUEUE = new Script(`
${NOW}
local id = ARGV[1]
local standing = redis.call('HEXISTS', KEYS[1], id) == 1
if not standing then
  if redis.call('HLEN', KEYS[1]) >= tonumber(ARGV[4]) then return 'full' end
  if ARGV[5] ~= '' then
    local oldest = redis.call('ZRANGE', KEYS[2], 0, 0, 'WITHSCORES')[2]
    if oldest and now - tonumber(oldest) > tonumber(ARGV[5]) then return 'late' end
  end
end
local sequence = string.format('%.0f', redis.call('HINCRBY', KEYS[4], 'sequence', 1))
redis.call('HSET', KEYS[1], id, sequence .. ' 0 ' .. string.format('%.0f', now) .. ' ' .. ARGV[2] .. '\\n' .. ARGV[3])
redis.call('ZADD', KEYS[2], 'NX', string.format('%.0f', now), id)
redis.call('ZREM', KEYS[3], id)
redis.call('HDEL', KEYS[5], id)
return sequence
`);

/** Takes the partition where it has work and nobody has it. KEYS owner pending; ARGV token lease. */
export const ACQUIRE = new Script(`
if redis.call('HLEN', KEYS[2]) == 0 then return 0 end
if redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then return 1 end
return 0
`);

/** KEYS owner; ARGV token lease. Whether it is still ours. */
export const EXTEND = new Script(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
`);

/** KEYS owner; ARGV token. */
export const RELEASE = new Script(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
`);

/**
 * The next writes for the owner, the oldest first. They stay where they are until they are settled: whoever owns the partition
 * after a death finds them again.
 *
 * KEYS owner ready waiting pending; ARGV token lease most.
 * Answers false when the partition is not ours any more; else the ms until the next failed one is due (-1 for none), and then
 * the ids and their records in turn.
 */
export const TAKE = new Script(`
${NOW}
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return false end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[3], '-inf', string.format('%.0f', now), 'LIMIT', 0, ARGV[3])) do
  redis.call('ZREM', KEYS[3], id)
  local record = redis.call('HGET', KEYS[4], id)
  if record then redis.call('ZADD', KEYS[2], 'NX', string.match(record, '^%d+ %d+ (%d+)') or '0', id) end
end
local answer = { -1 }
local next_due = redis.call('ZRANGE', KEYS[3], 0, 0, 'WITHSCORES')[2]
if next_due then answer[1] = math.max(0, math.ceil(tonumber(next_due) - now)) end
for _, id in ipairs(redis.call('ZRANGE', KEYS[2], 0, tonumber(ARGV[3]) - 1)) do
  local record = redis.call('HGET', KEYS[4], id)
  if record then
    answer[#answer + 1] = id
    answer[#answer + 1] = record
  else
    redis.call('ZREM', KEYS[2], id)
  end
end
return answer
`);

/**
 * What became of writes. One that was replaced by a newer meanwhile is not settled by the outcome of the older: the sequence
 * number tells.
 *
 * KEYS pending ready waiting dead dead-ids; ARGV in fours: id sequence verdict detail, where the verdict is `done`, `retry`
 * (detail: ms until then) or `dead` (detail: the error).
 * Answers how many were settled.
 */
export const SETTLE = new Script(`
${NOW}
local settled = 0
for i = 1, #ARGV, 4 do
  local id, sequence, verdict, detail = ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3]
  local record = redis.call('HGET', KEYS[1], id)
  local stands, attempts, rest
  if record then stands, attempts, rest = string.match(record, '^(%d+) (%d+)( .*)$') end
  if stands == sequence then
    settled = settled + 1
    if verdict == 'retry' then
      redis.call('HSET', KEYS[1], id, stands .. ' ' .. string.format('%.0f', tonumber(attempts) + 1) .. rest)
      redis.call('ZREM', KEYS[2], id)
      redis.call('ZADD', KEYS[3], string.format('%.0f', now + tonumber(detail)), id)
    else
      if verdict == 'dead' then
        local letter = redis.call('XADD', KEYS[4], '*', 'id', id, 'record', record, 'error', detail)
        redis.call('HSET', KEYS[5], id, letter)
      end
      redis.call('HDEL', KEYS[1], id)
      redis.call('ZREM', KEYS[2], id)
      redis.call('ZREM', KEYS[3], id)
    end
  end
end
return settled
`);

/** How many there are, and how old the oldest is in ms (-1 for none). KEYS pending ready waiting dead; ARGV until ('' for all). */
export const BACKLOG = new Script(`
${NOW}
local oldest = redis.call('ZRANGE', KEYS[2], 0, 0, 'WITHSCORES')[2]
local until_then = redis.call('HLEN', KEYS[1])
if ARGV[1] ~= '' then until_then = redis.call('ZCOUNT', KEYS[2], '-inf', ARGV[1]) + redis.call('ZCARD', KEYS[3]) end
return {
  redis.call('HLEN', KEYS[1]),
  redis.call('ZCARD', KEYS[3]),
  redis.call('XLEN', KEYS[4]),
  oldest and math.max(0, now - tonumber(oldest)) or -1,
  until_then,
  string.format('%.0f', now),
}
`);

/**
 * Puts a dead letter back in the queue, with a sequence number of its own and no attempts, unless the id was written since: that
 * write is newer. KEYS pending ready waiting meta dead dead-ids; ARGV letter id. Answers `replayed`, `superseded` or `gone`.
 */
export const REPLAY = new Script(`
${NOW}
local letter = redis.call('XRANGE', KEYS[5], ARGV[1], ARGV[1])[1]
if not letter then return 'gone' end
local fields = {}
for i = 1, #letter[2], 2 do fields[letter[2][i]] = letter[2][i + 1] end
redis.call('XDEL', KEYS[5], ARGV[1])
if redis.call('HGET', KEYS[6], ARGV[2]) ~= ARGV[1] then return 'superseded' end
redis.call('HDEL', KEYS[6], ARGV[2])
local rest = string.match(fields['record'], '^%d+ %d+ %d+( .*)$')
local sequence = string.format('%.0f', redis.call('HINCRBY', KEYS[4], 'sequence', 1))
local queued = string.format('%.0f', now)
redis.call('HSET', KEYS[1], ARGV[2], sequence .. ' 0 ' .. queued .. rest)
redis.call('ZADD', KEYS[2], 'NX', queued, ARGV[2])
return 'replayed'
`);

/** KEYS dead dead-ids; ARGV letter id. Whether there was such a letter. */
export const DROP = new Script(`
if redis.call('HGET', KEYS[2], ARGV[2]) == ARGV[1] then redis.call('HDEL', KEYS[2], ARGV[2]) end
return redis.call('XDEL', KEYS[1], ARGV[1])
`);
