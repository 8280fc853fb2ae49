# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# What login.sh measures with: the events and their table, the servers' CPU, and the three workers, each
# as start, await, stop (and percentiles). What one run took is in MEASURED, in ns and KiB. Nothing is
# asked of a worker while it works: that would cost it CPU; it is done when it spends none any more.

declare -A MEASURED
WORKERS=() # pids
HOST_START_CPU=0

login_fail() {
    printf 'bench login: %s\n' "$*" >&2
    tail -n 15 "$BENCH_DIR"/worker.*.log >&2 2>/dev/null
    exit 1
}

# within SECONDS COMMAND…: tries until it is so
within() {
    local words="${*:2}" deadline=$((SECONDS + $1))
    shift
    until "$@"; do
        ((SECONDS < deadline)) || login_fail "not in time: $words"
        sleep 0.05
    done
}

sql() { psql "$DATABASE_URL" -XqAt -v ON_ERROR_STOP=1 "$@"; }

# ---- events, their queue and their table -----------------------------------------------------------

# login_events FILE N: of 228 bytes, 1 % of them again within a thousand: the same in all they have
login_events() {
    awk -v n="$2" -v today="$(date -u +%F)" -v ms="$(date -u -d 00:00 +%s)000" 'BEGIN {
        srand(11)
        split("login_ok login_ok login_ok login_failed logout", kind, " ")
        agent = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)"
        for (i = 0; i < n; i++) {
            if (i > 1000 && i % 100 == 99) { print line[(i - 1 - int(rand() * 990)) % 1000]; continue }
            past = i * 397 % 86400000
            at = sprintf("%sT%02d:%02d:%02d.%03dZ", today, past / 3600000, past / 60000 % 60,
                past / 1000 % 60, past % 1000)
            id = sprintf("%08x-%04x-7%03x-8%03x-%04x%08x", (ms + i) / 65536, (ms + i) % 65536,
                rand() * 4096, rand() * 4096, rand() * 65536, rand() * 2147483648)
            body = sprintf("{\"event_id\":\"%s\",\"user_id\":%d,\"kind\":\"%s\",\"at\":\"%s\"," \
                "\"ip\":\"10.%d.%d.%d\",\"session_ms\":%d,\"ua\":\"", id, 1 + rand() * 50000,
                kind[1 + int(rand() * 5)], at, rand() * 255, rand() * 255, rand() * 255, rand() * 10000)
            line[i % 1000] = sprintf("{\"id\":\"%s\",\"timestamp\":\"%s\",\"body\":%s%s\"}}", id, at,
                body, substr(agent, 1, 228 - length(body) - 2))
            print line[i % 1000]
        } }' >"$1"
}

# login_config ROWS PREFETCH WAIT_MS: sets CONFIG
login_config() {
    CONFIG=$BENCH_DIR/login.$1.$2.$3.yaml
    cat >"$CONFIG" <<END
name: bench
amqp: {url: "$AMQP_URL"}
postgres: {url: "$DATABASE_URL"}
http: {listen: "127.0.0.1:0"}
plugins: $WARRENER_WORKERS
consumers:
  - queue: bench.login
    handler: login_collect
    bind: [{exchange: bench.login, type: topic, key: "user.#"}]
    prefetch: $2
    max_message: 16KiB
    batch: {rows: $1, wait: ${3}ms}
END
    [[ -z $LOGIN_CACHE ]] || printf '%s\n' '    options: {last_ttl: 3600}' "redis: {url: \"$REDIS_URL\"}" >>"$CONFIG"
}

# login_begin N: events, tables, the queue, and what starting costs the host
login_begin() {
    local i
    login_events "$BENCH_DIR/events" "$1"
    login_config 500 2000 20
    [[ -n $(sql -c "select to_regclass('login_event')") ]] ||
        "$WARRENER_BIN" migrate -c "$CONFIG" --dir sql/workers >"$BENCH_DIR/migrate.out" 2>&1 ||
        { cat "$BENCH_DIR/migrate.out" >&2 && login_fail 'no tables'; }
    sql -c 'alter system set autovacuum = off' -c 'select pg_reload_conf()' >/dev/null
    POSTMASTER=$(sql -c "select split_part(pg_read_file('postmaster.pid'), E'\n', 1)")
    for i in 1 2 3; do
        host_start 500 2000 20 1
        cpu_ns "$(host_of "${WORKERS[0]}")" >>"$BENCH_DIR/start"
        host_stop
    done
    HOST_START_CPU=$(median <"$BENCH_DIR/start")
    awk -v ns="$HOST_START_CPU" 'BEGIN { printf "starting costs the host %.1f ms of CPU\n", ns / 1e6 }'
}

# login_publish N [ARGUMENT…]
login_publish() {
    "$WARRENER_BIN" publish -c "$CONFIG" --exchange bench.login --key user.login.ok \
        --ndjson "$BENCH_DIR/events" --count "$@" >"$BENCH_DIR/publish.out" 2>&1 ||
        { cat "$BENCH_DIR/publish.out" >&2 && login_fail 'publishing'; }
}

login_preload() {
    login_publish "$1"
    at_rest
}

# login_rest: an empty table, all of it on disk, and PostgreSQL at rest
login_rest() {
    sql -c 'truncate login_event' -c checkpoint
    [[ -z $LOGIN_CACHE ]] || redis-cli -u "$REDIS_URL" eval \
        "for _, k in ipairs(redis.call('KEYS', 'login:last:*')) do redis.call('DEL', k) end" 0 >/dev/null
    within 60 postgres_rests
}

postgres_rests() {
    local before
    before=$(postgres_cpu_ns)
    sleep 0.5
    (($(postgres_cpu_ns) - before < 10000000))
}

# login_cache_is_right N: there is an entry for each user of the first N events
login_cache_is_right() {
    local wanted got
    [[ -n $LOGIN_CACHE ]] || return 0
    wanted=$(head -n "$1" "$BENCH_DIR/events" | sed 's/.*user_id[^0-9]*\([0-9]*\).*/\1/' | sort -u | wc -l)
    got=$(redis-cli -u "$REDIS_URL" --raw eval "return #redis.call('KEYS', 'login:last:*')" 0)
    [[ $got == "$wanted" ]] || login_fail "the cache holds $got entries, not $wanted"
}

# login_is_right N: the table holds each of the first N events once
login_is_right() {
    local wanted got
    wanted=$(head -n "$1" "$BENCH_DIR/events" | cut -d '"' -f 4 | sort -u | wc -l)
    got=$(sql -F ' ' -c 'select count(*), count(distinct event_id) from login_event')
    login_cache_is_right "$1"
    [[ $got == "$wanted $wanted" ]] || login_fail "the table holds (rows, ids) $got, not $wanted of each"
}

# ---- the servers' CPU ------------------------------------------------------------------------------

# Of the postmaster and the children it has now: what a backend spent is lost when it ends.
postgres_cpu_ns() {
    local pid sum=0 one
    for pid in $POSTMASTER $(pgrep -P "$POSTMASTER"); do
        one=$(cpu_ns "$pid") && sum=$((sum + ${one:-0}))
    done
    echo "$sum"
}

servers_mark() {
    BROKER_BEFORE=$(cpu_ns "$(broker_pid)")
    POSTGRES_BEFORE=$(postgres_cpu_ns)
}

# servers_account: what they spent since, when they have come to rest
servers_account() {
    at_rest
    MEASURED[broker]=$(($(cpu_ns "$(broker_pid)") - BROKER_BEFORE))
    MEASURED[postgres]=$(($(postgres_cpu_ns) - POSTGRES_BEFORE))
}

# ---- the workers by hand ---------------------------------------------------------------------------

# hand_start PROGRAM ROWS PREFETCH WAIT_MS PROCESSES
hand_start() {
    local i rows=$(($2 <= $3 / 2 ? $2 : $3 / 2))
    WORKERS=()
    rm -f "$BENCH_DIR"/hand.*.out
    for ((i = 0; i < $5; i++)); do
        "$WARRENER_BUILD/tests/bench/bench_login_$1" "$AMQP_URL" bench.login "$3" "$rows" "$4" 0 1500 \
            "$DATABASE_URL" ${LOGIN_CACHE:+"$REDIS_URL"} >"$BENCH_DIR/hand.$i.out" 2>"$BENCH_DIR/worker.$i.log" &
        WORKERS+=($!)
        BENCH_PIDS+=($!)
    done
}

hands_are_done() {
    local pid
    for pid in "${WORKERS[@]}"; do kill -0 "$pid" 2>/dev/null || login_fail 'a worker has ended'; done
    [[ $(cat "$BENCH_DIR"/hand.*.out 2>/dev/null | wc -l) == "${#WORKERS[@]}" ]]
}

hand_await() {
    local taken
    within 120 hands_are_done
    read -r taken 'MEASURED[wall]' 'MEASURED[cpu]' 'MEASURED[kib]' < <(cat "$BENCH_DIR"/hand.*.out | awk '{
        taken += $1; cpu += $3
        if ($4 > kib) kib = $4
        if ($1 && (!began || $5 < began)) began = $5
        if ($6 > ended) ended = $6
    } END { printf "%d %.0f %.0f %d\n", taken, ended - began, cpu, kib }')
    ((taken == $1)) || login_fail "the worker by hand took $taken messages, not $1"
}

hand_stop() {
    kill -TERM "${WORKERS[@]}"
    wait "${WORKERS[@]}" || true
}

floor_start() { hand_start floor "$@"; }
floor_await() { hand_await "$@"; }
floor_stop() { hand_stop; }
floor_percentiles() { :; }

edge_start() { hand_start edge "$@"; }
edge_await() { hand_await "$@"; }
edge_stop() { hand_stop; }

# ---- the host --------------------------------------------------------------------------------------

host_consumes() { # NTH
    kill -0 "${WORKERS[$1]}" 2>/dev/null || login_fail 'the host has ended'
    grep -qs ' consuming ' "$BENCH_DIR/worker.$1.log" # not there yet, it may be
}

# host_start ROWS PREFETCH WAIT_MS PROCESSES
host_start() {
    local i
    WORKERS=()
    login_config "$1" "$2" "$3"
    for ((i = 0; i < $4; i++)); do
        "$WARRENER_BIN" run -c "$CONFIG" 2>"$BENCH_DIR/worker.$i.log" &
        WORKERS+=($!)
        BENCH_PIDS+=($!)
    done
    for ((i = 0; i < $4; i++)); do within 30 host_consumes "$i"; done
}

workers_cpu_ns() {
    local pid sum=0
    for pid in "${WORKERS[@]}"; do sum=$((sum + $(cpu_ns "$(host_of "$pid")"))); done
    echo "$sum"
}

# host_metrics: of all its processes
host_metrics() {
    local i url
    for ((i = 0; i < ${#WORKERS[@]}; i++)); do
        url=$(sed -n 's/.* listen=\([^ ]*\).*/\1/p' "$BENCH_DIR/worker.$i.log" | head -n 1)
        curl -s --noproxy '*' -m 5 "http://$url/metrics"
    done
}

# metric_of FUNCTION SERIES: sum, min or max of what the processes say
metric_of() {
    awk -v f="$1" -v name="$2" '$1 == name {
        sum += $2
        if (!n++ || $2 < min) min = $2
        if ($2 > max) max = $2
    } END { printf "%.9f\n", f == "sum" ? sum : f == "min" ? min : max }' "$BENCH_DIR/metrics"
}

# hosts_are_done N: they rest, and have settled N; their CPU is taken before they are asked
hosts_are_done() {
    local before
    before=$(workers_cpu_ns)
    sleep 0.3
    MEASURED[cpu]=$(($(workers_cpu_ns) - HOST_START_CPU * ${#WORKERS[@]}))
    ((MEASURED[cpu] + HOST_START_CPU * ${#WORKERS[@]} - before < 3000000)) || return
    host_metrics >"$BENCH_DIR/metrics"
    (($(printf '%.0f' "$(metric_of sum 'warrener_messages_settled_total{queue="bench.login",outcome="done"}')") >= $1))
}

host_await() {
    local began ended
    within 120 hosts_are_done "$1"
    began=$(for log in "$BENCH_DIR"/worker.*.log; do
        date -d "$(awk '/ consuming /{ print $1; exit }' "$log")" +%s.%N
    done | sort -n | head -n 1)
    ended=$(metric_of max 'warrener_last_done_timestamp_seconds{queue="bench.login"}')
    MEASURED[wall]=$(awk -v a="$began" -v b="$ended" 'BEGIN { printf "%.0f", (b - a) * 1e9 }')
    MEASURED[kib]=$(for pid in "${WORKERS[@]}"; do peak_kib "$(host_of "$pid")"; done | sort -n | tail -n 1)
}

host_stop() {
    kill -TERM "${WORKERS[@]}"
    wait "${WORKERS[@]}" || login_fail 'the host did not end well'
    rm -f "$BENCH_DIR"/worker.*.log
}

# host_percentiles: p50 and p99 of received to acked, in ms, between the bounds of the histogram
host_percentiles() {
    awk '
        $1 ~ /^warrener_settle_seconds_bucket[{]/ {
            match($1, /le="[^"]*"/)
            bound[++n] = substr($1, RSTART + 4, RLENGTH - 5)
            below[n] = $2
        }
        function at(share,    i, wanted, from, before) {
            wanted = share * below[n]
            for (i = 1; i < n && below[i] < wanted; i++);
            if (bound[i] == "+Inf") return ">" bound[i - 1] * 1e3
            from = i > 1 ? bound[i - 1] : 0
            before = i > 1 ? below[i - 1] : 0
            from += (bound[i] - from) * (wanted - before) / (below[i] - before)
            return sprintf("%.1f", 1e3 * from)
        }
        END { if (n && below[n]) print at(0.5), at(0.99) }' "$BENCH_DIR/metrics"
}
