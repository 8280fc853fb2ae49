#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# ./dev bench tracing [--rounds N] [--seconds N] [--rate N] [--parents]: what tracing costs the host. The
# login job, events coming steadily, in turn without and with an endpoint for its spans; CPU is the host's
# process, all its threads. Apart, since it moves less than the ratio of two runs: what the thread that
# sends spans spent, and its share of that run. With --parents each event carries a traceparent. After
# each run with an endpoint the receiver has every message's span, strictly read, or this fails.
cd "$(dirname "$0")/../.."
# shellcheck source=tests/bench/lib.sh
source tests/bench/lib.sh
# shellcheck source=tests/bench/login_lib.sh
source tests/bench/login_lib.sh

# shellcheck disable=SC2034 # login_lib.sh asks
LOGIN_CACHE=''

rounds=8 seconds=10 rate=10000 parents=''
while (($#)); do
    case $1 in
    --rounds) rounds=${2:?} && shift ;;
    --seconds) seconds=${2:?} && shift ;;
    --rate) rate=${2:?} && shift ;;
    --parents) parents=1 ;;
    *)
        echo 'usage: ./dev bench tracing [--rounds N] [--seconds N] [--rate N] [--parents]' >&2
        exit 64
        ;;
    esac
    shift
done
n=$((rate * seconds))

add_parents() {
    awk '{ sub(/^{/, sprintf("{\"headers\":{\"traceparent\":\"00-%024x%08x-%016x-01\"},", 7, NR, NR)); print }' \
        "$BENCH_DIR/events" >"$BENCH_DIR/events.new"
    mv "$BENCH_DIR/events.new" "$BENCH_DIR/events"
}

receiver_start() { # sets ENDPOINT
    rm -f "$BENCH_DIR/receiver.out"
    "$WARRENER_BUILD/tests/bench/bench_receiver" >"$BENCH_DIR/receiver.out" &
    RECEIVER=$!
    BENCH_PIDS+=("$RECEIVER")
    within 30 test -s "$BENCH_DIR/receiver.out"
    ENDPOINT=http://127.0.0.1:$(head -n 1 "$BENCH_DIR/receiver.out")
}

# receiver_stop: it has the messages' spans, and the batches' besides
receiver_stop() {
    local spans
    kill -TERM "$RECEIVER"
    wait "$RECEIVER" || login_fail 'the receiver did not end well'
    read -r _ spans < <(tail -n 1 "$BENCH_DIR/receiver.out")
    ((spans > n)) || login_fail "the receiver has $spans spans of $n messages and their batches"
}

# sender_ns: CPU of the thread that sends spans
sender_ns() {
    local task
    for task in "/proc/$(host_of "${WORKERS[0]}")/task/"*; do
        [[ $(<"$task/comm") != exporter ]] || cut -d ' ' -f 1 "$task/schedstat"
    done
}

run() { # sets COST, the host's CPU in ns
    login_rest
    host_start 500 2000 20 1
    login_publish "$n" --rate "$rate"
    host_await "$n"
    COST=${MEASURED[cpu]}
    SENDER=$(sender_ns)
    host_stop
}

run_traced() {
    receiver_start
    export OTEL_EXPORTER_OTLP_ENDPOINT=$ENDPOINT
    run
    unset OTEL_EXPORTER_OTLP_ENDPOINT
    receiver_stop
}

login_begin "$n"
[[ -z $parents ]] || add_parents
printf '%s events a second, %s s\n%-6s %12s %12s %9s %12s %9s\n' "$rate" "$seconds" round 'without µs' \
    'with µs' ratio 'sender µs' share
for ((round = 1; round <= rounds; round++)); do
    run && without=$COST
    run_traced
    awk -v a="$without" -v b="$COST" -v sender="$SENDER" -v n="$n" -v round="$round" '
        BEGIN {
            printf "%-6d %12.3f %12.3f %9.4f %12.3f %9.4f\n", round, a / n / 1e3, b / n / 1e3, b / a,
                sender / n / 1e3, sender / b
        }' | tee -a "$BENCH_DIR/rows"
done
column() { awk -v c="$1" '{ print $c }' "$BENCH_DIR/rows" | median; }
awk -v a="$(column 2)" -v b="$(column 3)" -v ratio="$(column 4)" -v sender="$(column 5)" -v share="$(column 6)" '
    BEGIN {
        printf "medians: %.3f and %.3f µs a message, ratio of a round %.3f (at most 1.10)%s; the sender %.3f µs, %.1f %%\n",
            a, b, ratio, ratio <= 1.1 ? "" : "   MISSED", sender, 100 * share
    }'
