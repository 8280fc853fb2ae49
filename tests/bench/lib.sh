# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# What the measurements share: CPU of a process to the nanosecond, backlogs of one size that the broker
# has come to rest on, and a worker from its start to the end of its backlog.

set -euo pipefail

BENCH_DIR=$(mktemp -d)
BENCH_PIDS=()
bench_end() {
    local pid
    for pid in "${BENCH_PIDS[@]}"; do kill -KILL "$pid" 2>/dev/null || true; done
    rm -rf "$BENCH_DIR"
}
trap bench_end EXIT

# cpu_ns PID: of all its threads that live, to the nanosecond (the tick counters know 10 ms only)
cpu_ns() {
    awk '{ sum += $1 } END { printf "%.0f\n", sum }' "/proc/$1/task/"*/schedstat 2>/dev/null
}

now_ns() { date +%s%N; }

# host_of PID: the host that this supervisor runs; any other process is its own
host_of() {
    local child=''
    read -r child _ <"/proc/$1/task/$1/children" || true # it ends without a newline
    echo "${child:-$1}"
}

peak_kib() { awk '/^VmHWM/ { print $2 }' "/proc/$1/status"; }

# broker_pid: the Erlang node behind AMQP_URL
broker_pid() { cat "$WARRENER_TEST_BROKER/node.pid"; }

ctl() { bash tests/support/broker ctl "$WARRENER_TEST_BROKER" "$@"; }

# host_and_port URL
host_and_port() { sed -E 's#^[a-z]+://([^@]*@)?([^:/]+):([0-9]+).*#\2 \3#' <<<"$1"; }

# events FILE N: N messages of 228 bytes, as docs/performance has them
events() {
    awk -v n="$2" 'BEGIN {
        srand(7); split("login_ok login_ok login_ok login_failed logout", kind, " ");
        for (i = 0; i < n; i++) {
            body = sprintf("{\"event_id\":\"%08x-%04x-7%03x-8%03x-%012x\",\"user_id\":%d,\"kind\":\"%s\"," \
                "\"at\":\"2026-01-02T03:04:05.678Z\",\"ip\":\"10.%d.%d.%d\",\"session_ms\":%d,\"ua\":\"",
                i, rand() * 65535, rand() * 4095, rand() * 4095, rand() * 2 ^ 40,
                1 + rand() * 50000, kind[1 + int(rand() * 5)], rand() * 255, rand() * 255,
                rand() * 255, rand() * 10000);
            ua = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)";
            printf "{\"body\":%s%s\"}}\n", body, substr(ua, 1, 228 - length(body) - 2);
        } }' >"$1"
}

# at_rest: waits until the broker uses little CPU, for one that still writes costs others theirs
at_rest() {
    local pid before after
    pid=$(broker_pid)
    for _ in {1..120}; do
        before=$(cpu_ns "$pid")
        sleep 0.5
        after=$(cpu_ns "$pid")
        ((after - before > 60000000)) || return 0
    done
    echo 'the broker does not come to rest' >&2
    return 1
}

# preload CONFIG EXCHANGE KEY FILE N
preload() {
    "$WARRENER_BIN" publish -c "$1" --exchange "$2" --key "$3" --ndjson "$4" --count "$5" \
        >"$BENCH_DIR/publish.out" 2>&1 || { cat "$BENCH_DIR/publish.out" >&2; return 1; }
    at_rest
}

median() { sort -n | awk '{ v[NR] = $1 } END { print (NR % 2) ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'; }
