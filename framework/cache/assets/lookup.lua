-- SPDX-License-Identifier: Apache-2.0
-- Reads entries, many in one call. Where there is none, whoever asks first is told to fill it and
-- holds a short lock at KEY:fill; others are told that somebody does.
--
-- KEYS: the keys. ARGV: the token of our fills, how long a lock lasts in ms.
-- Answers: seconds, microseconds, then for each key h (there), a (known to be absent), m (missing:
-- yours to fill), b (missing, being filled) or e (error); ver; value, or the error.
local now = redis.call('TIME')
local answer = { now[1], now[2] }
local n = 2

local function state_of_missing(key)
    local lock = key .. ':fill'
    local done = redis.pcall('SET', lock, ARGV[1], 'NX', 'PX', ARGV[2])
    if done or redis.call('GET', lock) == ARGV[1] then return 'm' end
    return 'b'
end

for _, key in ipairs(KEYS) do
    local entry = redis.pcall('HMGET', key, 'ver', 'value')
    local state, ver, value = 'h', entry[1] or '', entry[2] or ''
    if entry.err then
        state, value = 'e', entry.err
    elseif not entry[2] then
        state = ver == '00000000000000000000' and 'a' or state_of_missing(key)
    end
    answer[n + 1], answer[n + 2], answer[n + 3] = state, ver, value
    n = n + 3
end
return answer
