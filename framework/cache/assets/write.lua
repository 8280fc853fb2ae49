-- SPDX-License-Identifier: Apache-2.0
-- Versioned writes, many in one call. An entry is a hash: ver (20 digits, compared as text, for Lua's
-- numbers end at 2^53) and value; one without value is a tombstone. Entries are ordered by version,
-- and at the same version a value comes after a tombstone: so whatever order writes arrive in, the
-- same one stays.
--
-- KEYS: the keys. ARGV: the deadline in ms of this server's clock, the token of our fills, then for
-- each key what to do (s set, f fill, d drop, a absent), ver, how long in ms, value.
-- Answers: seconds, microseconds, "late" or a letter a key (s stored, o older or the same, e error),
-- the first error.
local now = redis.call('TIME')
if now[1] * 1000 + now[2] / 1000 > tonumber(ARGV[1]) then
    return { now[1], now[2], 'late', '' }
end

local function write(key, what, ver, keep, value)
    local there = redis.pcall('HGET', key, 'ver')
    if type(there) == 'table' then return there end
    if what == 'd' then
        if ver <= (there or '00000000000000000000') then return false end
        local left = redis.call('PTTL', key) * 2
        local done = redis.pcall('HSET', key, 'ver', ver)
        if type(done) == 'table' then return done end
        redis.call('HDEL', key, 'value')
        if left > tonumber(keep) then keep = string.format('%.0f', left) end
    elseif what == 'a' then
        if there then return false end
        local done = redis.pcall('HSET', key, 'ver', ver)
        if type(done) == 'table' then return done end
    else
        if there and (ver < there or
                      ver == there and redis.call('HEXISTS', key, 'value') == 1) then
            return false
        end
        local done = redis.pcall('HSET', key, 'ver', ver, 'value', value)
        if type(done) == 'table' then return done end
    end
    redis.call('PEXPIRE', key, keep)
    return true
end

local letters, fault = {}, ''
for i, key in ipairs(KEYS) do
    local at = i * 4 - 1
    local what = ARGV[at]
    local done = write(key, what, ARGV[at + 1], ARGV[at + 2], ARGV[at + 3])
    if done == true then
        letters[i] = 's'
    elseif not done then
        letters[i] = 'o'
    else
        letters[i] = 'e'
        if fault == '' then fault = done.err end
    end
    if (what == 'f' or what == 'a') and redis.call('GET', key .. ':fill') == ARGV[2] then
        redis.call('DEL', key .. ':fill')
    end
end
return { now[1], now[2], table.concat(letters), fault }
