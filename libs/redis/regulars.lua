#!lua name=regulars_r1
-- The guard of the view (libs/redis/view.h), as a Redis Function library. `r1` is the revision of
-- key layout and functions together: a change of either gets a new revision, so that two versions of
-- the services never share names.
--
-- KEYS[1] of every function is the shard's meta record: a hash {log_id, epoch, generation, applied,
-- whole}. Numbers are decimal texts up to 2^53 (Lua's numbers are exact up to there); they are stored
-- as they came and never formatted here.
-- Answers of writers: 0 applied, 1 fenced, 2 gap.

local APPLIED, FENCED, GAP = 0, 1, 2

-- epoch, generation, applied, log id; nothing when meta is absent or not a meta record.
local function load_meta(key)
  local meta = redis.pcall('HMGET', key, 'epoch', 'generation', 'applied', 'log_id')
  if meta.err then return nil end
  return tonumber(meta[1] or ''), tonumber(meta[2] or ''), tonumber(meta[3] or ''), meta[4]
end

-- The verdict on a writer, and the view's position.
local function guard(key, epoch_text, generation_text)
  local meta_epoch, meta_generation, applied = load_meta(key)
  if not meta_epoch or not meta_generation or not applied then return GAP end
  local epoch, generation = tonumber(epoch_text), tonumber(generation_text)
  if epoch < meta_epoch or (epoch == meta_epoch and generation < meta_generation) then
    return FENCED
  end
  -- Larger than meta's: this owner's claim is not in the view any more.
  if epoch ~= meta_epoch or generation ~= meta_generation then return GAP end
  return APPLIED, applied
end

-- ARGV: log id, epoch, generation, applied
local function claim(keys, args)
  local meta_epoch, meta_generation, _, log_id = load_meta(keys[1])
  local epoch, generation = tonumber(args[2]), tonumber(args[3])
  if meta_epoch and meta_generation and log_id == args[1] and
     (epoch < meta_epoch or (epoch == meta_epoch and generation < meta_generation)) then
    return FENCED
  end
  redis.call('DEL', keys[1])
  redis.call('HSET', keys[1], 'log_id', args[1], 'epoch', args[2], 'generation', args[3],
             'applied', args[4], 'whole', '0')
  return APPLIED
end

-- ARGV: epoch, generation
local function finish(keys, args)
  local verdict = guard(keys[1], args[1], args[2])
  if verdict == APPLIED then redis.call('HSET', keys[1], 'whole', '1') end
  return verdict
end

-- KEYS: meta, the keys to set, the keys to delete. ARGV: epoch, generation, from, to, seconds to live,
-- one value per key to set. A key is in one of the two lists only.
local function apply(keys, args)
  local verdict, applied = guard(keys[1], args[1], args[2])
  if verdict ~= APPLIED then return verdict end
  if tonumber(args[3]) ~= applied then
    -- Passed already: sent again by the owner that did it, so the same operations.
    if tonumber(args[4]) <= applied then return APPLIED end
    return GAP
  end
  local call, ttl = redis.call, args[5]
  local sets = #args - 5
  if sets > 0 then
    -- One MSET and an EXPIRE each: a tenth less time than SET ... EX each.
    local values = {}
    for i = 1, sets do
      values[2 * i - 1], values[2 * i] = keys[i + 1], args[i + 5]
    end
    call('MSET', unpack(values))
    for i = 2, sets + 1 do call('EXPIRE', keys[i], ttl) end
  end
  if #keys > sets + 1 then call('UNLINK', unpack(keys, sets + 2)) end
  if args[3] ~= args[4] then call('HSET', keys[1], 'applied', args[4]) end
  return APPLIED
end

-- ARGV: the prefix of the shard's keys, then keys without prefix and generation.
-- Answer: {log_id, epoch, generation, applied, whole} and one value per key; no values when meta is
-- absent. The full names depend on meta, so they are not in KEYS; they share its slot.
local function read(keys, args)
  local meta = redis.pcall('HMGET', keys[1], 'log_id', 'epoch', 'generation', 'applied', 'whole')
  if meta.err then return {{}, {}} end
  if not meta[3] or #args == 1 then return {meta, {}} end
  local prefix = args[1] .. meta[3] .. ':'
  local names = {}
  for i = 2, #args do names[i - 1] = prefix .. args[i] end
  return {meta, redis.call('MGET', unpack(names))}
end

redis.register_function('regulars_r1_claim', claim)
redis.register_function('regulars_r1_finish', finish)
redis.register_function('regulars_r1_apply', apply)
redis.register_function{function_name = 'regulars_r1_read', callback = read, flags = {'no-writes'}}
