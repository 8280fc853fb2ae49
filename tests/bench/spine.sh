#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# ./dev bench spine [ROUNDS] [WAITING]: a backlog of 100,000 messages of 228 bytes on a quorum queue is
# drained by a bare loop that only receives and acks, and by the host with workers/tally, in turn and
# in one run; then the host's memory with WAITING (1,000,000) messages in the queue. CPU is of the
# process from consume-ok to the last ack; what the host spends on starting is measured apart, on an
# empty queue, and taken off.
cd "$(dirname "$0")/../.."
# shellcheck source=tests/bench/lib.sh
source tests/bench/lib.sh

readonly COUNT=100000 PREFETCH=2000 ACK_EVERY=500
rounds=${1:-5}
waiting=${2:-1000000}
read -r host port < <(host_and_port "$AMQP_URL")

config=$BENCH_DIR/spine.yaml
cat >"$config" <<END
name: bench
amqp: {url: "$AMQP_URL"}
http: {listen: "127.0.0.1:0"}
plugins: $WARRENER_WORKERS
consumers:
  - queue: bench.spine
    handler: tally
    bind: [{exchange: bench, type: topic, key: "bench.#"}]
    prefetch: $PREFETCH
    batch: {rows: $ACK_EVERY, wait: 5ms}
END

# host_start: sets HOST_PID (its supervisor) and HOST_URL once it consumes, with the CPU it had spent by then
host_start() {
    "$WARRENER_BIN" run -c "$config" 2>"$BENCH_DIR/run.log" &
    HOST_PID=$!
    BENCH_PIDS+=("$HOST_PID")
    until grep -q ' consuming ' "$BENCH_DIR/run.log"; do
        kill -0 "$HOST_PID" || { cat "$BENCH_DIR/run.log" >&2; return 1; }
        sleep 0.01
    done
    HOST_START_CPU=$(cpu_ns "$(host_of "$HOST_PID")")
    HOST_URL=http://$(sed -n 's/.* listen=\([^ ]*\).*/\1/p' "$BENCH_DIR/run.log" | head -n 1)
}

metric() { curl -s --noproxy '*' "$HOST_URL/metrics" | awk -v name="$1" '$1 == name { printf "%s\n", $2 }'; }

# host_wait_done N: seldom asked, for asking takes CPU from what is measured; when the last message was
# done, the metrics say.
host_wait_done() {
    sleep 1
    until (($(metric 'warrener_messages_settled_total{queue="bench.spine",outcome="done"}') >= $1)); do
        sleep 0.5
    done
}

host_stop() {
    kill -TERM "$HOST_PID"
    wait "$HOST_PID"
}

# The moment of consuming, in seconds, from the log's own time.
consuming_at() { date -d "$(awk '/ consuming /{ print $1; exit }' "$BENCH_DIR/run.log")" +%s.%N; }

echo "declaring the queue; what starting costs the host, on the empty queue:"
for _ in 1 2 3; do
    host_start
    echo "$HOST_START_CPU" >>"$BENCH_DIR/start"
    host_stop
done
start_cpu=$(median <"$BENCH_DIR/start")
awk -v ns="$start_cpu" 'BEGIN { printf "  %.1f ms of CPU\n\n", ns / 1e6 }'
events "$BENCH_DIR/events" 1000

printf '%-5s %-10s %12s %12s %12s %12s\n' round worker 'msg/s' 'worker µs' 'broker µs' 'peak MB'
row() { # ROUND WORKER WALL_NS WORKER_NS BROKER_NS KIB
    awk -v n="$COUNT" -v r="$1" -v w="$2" -v wall="$3" -v cpu="$4" -v broker="$5" -v kib="$6" 'BEGIN {
        printf "%-5s %-10s %12.0f %12.3f %12.2f %12.1f\n",
            r, w, n / wall * 1e9, cpu / n / 1e3, broker / n / 1e3, kib / 1024 }'
    echo "$3" >>"$BENCH_DIR/$2.wall"
    echo "$4" >>"$BENCH_DIR/$2.cpu"
}

run_floor() {
    local before out
    preload "$config" bench bench.x "$BENCH_DIR/events" "$COUNT"
    before=$(cpu_ns "$(broker_pid)")
    out=$("$WARRENER_BUILD/tests/bench/bench_spine_floor" "$host" "$port" bench.spine "$PREFETCH" \
        "$ACK_EVERY" "$COUNT")
    at_rest
    # shellcheck disable=SC2086
    set -- $out
    row "$round" floor "$2" "$3" $(($(cpu_ns "$(broker_pid)") - before)) "$4"
}

run_host() {
    local before began ended
    preload "$config" bench bench.x "$BENCH_DIR/events" "$COUNT"
    before=$(cpu_ns "$(broker_pid)")
    host_start
    host_wait_done "$COUNT"
    cpu=$(($(cpu_ns "$(host_of "$HOST_PID")") - start_cpu))
    began=$(consuming_at)
    ended=$(metric 'warrener_last_done_timestamp_seconds{queue="bench.spine"}')
    kib=$(peak_kib "$(host_of "$HOST_PID")")
    at_rest
    row "$round" warrener "$(awk -v a="$began" -v b="$ended" 'BEGIN { printf "%.0f", (b - a) * 1e9 }')" \
        "$cpu" $(($(cpu_ns "$(broker_pid)") - before)) "$kib"
    host_stop
}

for ((round = 1; round <= rounds; round++)); do
    run_floor
    run_host
done

json=$("$WARRENER_BUILD/tests/bench/bench_json" | awk '/warrener|scanner/ { for (i = 1; i <= NF; i++) if ($i + 0 > 0) { print $i; exit } }')
echo
awk -v fc="$(median <"$BENCH_DIR/floor.cpu")" -v wc="$(median <"$BENCH_DIR/warrener.cpu")" \
    -v fw="$(median <"$BENCH_DIR/floor.wall")" -v ww="$(median <"$BENCH_DIR/warrener.wall")" \
    -v n="$COUNT" -v json="${json:-0}" 'BEGIN {
        printf "medians: worker CPU %.3f µs a message, floor %.3f, JSON %.3f\n", wc / n / 1e3, fc / n / 1e3, json / 1e3
        printf "(warrener - JSON) / floor = %.2f (at most 1.5)\n", (wc / n - json) / (fc / n)
        printf "drain rate / floor        = %.2f (at least 0.9)\n", fw / ww }'

if ((waiting > 0)); then
    preload "$config" bench bench.x "$BENCH_DIR/events" "$waiting"
    host_start
    host_wait_done "$waiting"
    awk -v kib="$(peak_kib "$(host_of "$HOST_PID")")" -v n="$waiting" -v cpu=$(($(cpu_ns "$(host_of "$HOST_PID")") - start_cpu)) 'BEGIN {
        printf "with %d waiting: peak %.1f MB (below 32), worker CPU %.3f µs a message\n", n, kib / 1024, cpu / n / 1e3 }'
    host_stop
fi
