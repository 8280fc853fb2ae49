# SPDX-License-Identifier: Apache-2.0
#
# N lines for `warrener publish`: login events with ids of their own, 1 % of them again within the next
# thousand, the same in all they have. -v n, seed, users, exchange, days ("2026-01-02 2026-01-01 ...").

function id() {
    return sprintf("%08x-%04x-4%03x-a%03x-%04x%08x", rand() * 2147483648, rand() * 65536, rand() * 4096,
        rand() * 4096, rand() * 65536, rand() * 2147483648)
}

BEGIN {
    srand(seed)
    n_days = split(days, day, " ")
    split("login_ok login_ok login_failed logout", kinds, " ")
    split("user.login.ok user.login.ok user.login.failed user.logout", keys, " ")
    for (i = 0; i < n; i++) {
        if (i % 100 == 99) {
            print line[i % 1000] = line[int((i < 1000 ? i : 1000) * rand())]
            continue
        }
        which = 1 + int(rand() * 4)
        event = id()
        at = sprintf("%sT%02d:%02d:%02d.%03dZ", day[1 + int(rand() * n_days)], rand() * 24, rand() * 60,
            rand() * 60, rand() * 1000)
        body = sprintf("\"event_id\":\"%s\",\"user_id\":%d,\"kind\":\"%s\",\"at\":\"%s\",\"ip\":\"10.%d.%d.1\"",
            event, 1 + rand() * users, kinds[which], at, rand() * 256, rand() * 256)
        if (rand() < 0.9) body = body sprintf(",\"session_ms\":%d", rand() * 1000000)
        if (rand() < 0.9) body = body ",\"ua\":\"Mozilla/5.0 (X11; Linux x86_64)\""
        if (rand() < 0.2) body = body sprintf(",\"details\":{\"device\":{\"n\":%d}}", i)
        line[i % 1000] = sprintf("{\"id\":\"%s\",\"timestamp\":\"%s\",\"exchange\":\"%s\",\"key\":\"%s\"," \
            "\"body\":{%s}}", event, at, exchange, keys[which], body)
        print line[i % 1000]
    }
}
