#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# ./dev bench login [OPTION…]: the login job, events into one row each, by the host with workers/login_collect
# and by two workers written by hand, in turn and in one run, every other round the other way about.
#   --quick               a short one of two settings
#   --rounds N            of each setting: 3
#   --count N             events of a drain: 200,000
#   --only drain|steady   one half of it
#   --just ROWSxPROCS     one setting of the drain
#   --no-edge             without the edge
#   --cache               both write login:last:USER_ID for an hour as well: by hand it is a pipeline of SETs,
#                         the host's is a versioned write
# First a backlog is drained: batches of 50, 500 and 5,000 rows, and 1, 2 and 4 processes; the table is
# emptied, and broker and PostgreSQL come to rest, before each. Then events come steadily. CPU is each
# process's own, from consume-ok to the last ack; what the host spends on starting is measured apart, on
# an empty queue, and taken off. Autovacuum is off: it would disturb one run and not the other. After
# each drain the table holds every event once, or this fails.
#
# A machine is not equally fast for a minute: what counts is the median of the rounds' own ratios, of two
# drains that follow one another. Where they lie far apart, more rounds say more.
#
# The bounds are held against the floor (login_floor.c): rabbitmq-c, libpq and hiredis as they are meant to be
# used, a body checked for what it has to be. The edge (login_edge.c) is what a worker could cost at the
# least, to know how much is left: it knows one shape of body and believes it.
cd "$(dirname "$0")/../.."
# shellcheck source=tests/bench/lib.sh
source tests/bench/lib.sh
# shellcheck source=tests/bench/login_lib.sh
source tests/bench/login_lib.sh

LOGIN_CACHE=''

count=200000 rounds=3 only='' seconds=10
settings=('500 1' '50 1' '5000 1' '500 2' '500 4') # rows of a batch, processes
rates=(100 5000 20000) waits=(0 5 20) workers=(floor edge host)
while (($#)); do
    case $1 in
    --quick) count=40000 rounds=1 seconds=3 settings=('500 1' '500 2') rates=(5000) waits=(0 20) ;;
    --cache) LOGIN_CACHE=1 ;;
    --count) count=${2:?} && shift ;;
    --rounds) rounds=${2:?} && shift ;;
    --only) only=${2:?} && shift ;;
    --just) settings=("${2/x/ }") && shift ;;
    --no-edge) workers=(floor host) ;;
    *)
        sed -n '/^# [.][/]dev bench/,/^# First/{/^# First/d; s/^# //p}' "$0" >&2
        exit 64
        ;;
    esac
    shift
done

# The most there is, for batches of 5,000: both workers make two of it then, or none would be on its way
# while another is being filled.
prefetch_for() { echo $(($1 > 1000 ? 5000 : 2000)); }

# ---- draining --------------------------------------------------------------------------------------

drain_head() {
    printf '\n%-6s %-5s %-6s %-10s %9s %9s %9s %9s %9s %8s\n' rows procs round worker 'msg/s' \
        'worker µs' 'broker µs' 'pg µs' 'all µs' 'peak MB'
}

# drain_row: from MEASURED; kept for the medians
drain_row() {
    local key=$BENCH_DIR/$rows.$processes.$1
    awk -v n="$count" -v wall="${MEASURED[wall]}" -v cpu="${MEASURED[cpu]}" -v kib="${MEASURED[kib]}" \
        -v broker="${MEASURED[broker]}" -v pg="${MEASURED[postgres]}" 'BEGIN {
            printf "%.1f %.3f %.3f %.3f %.3f %.1f\n", n / wall * 1e9, cpu / n / 1e3, broker / n / 1e3,
                pg / n / 1e3, (cpu + broker + pg) / n / 1e3, kib / 1024 }' >"$key.row"
    cat "$key.row" >>"$key"
    # shellcheck disable=SC2046,SC2183 # six numbers
    printf '%-6s %-5s %-6s %-10s %9.0f %9.3f %9.2f %9.2f %9.2f %8.1f\n' "$rows" "$processes" "$round" \
        "$1" $(<"$key.row")
}

drain_one() { # WORKER
    login_rest
    login_preload "$count"
    servers_mark
    "$1_start" "$rows" "$(prefetch_for "$rows")" 20 "$processes"
    "$1_await" "$count"
    servers_account
    "$1_stop"
    login_is_right "$count"
    drain_row "$1"
}

# ratios FLOOR HOST: of the numbers in these two files, round by round
ratios() { paste "$1" "$2" | awk '{ print $2 / $1 }'; }

# compare WORDS COLUMN BOUND [OTHER]: the host's median, the floor's, and the median of the rounds' own
# ratios with the least and the most of them; says whether that median keeps the bound
compare() {
    local key=$BENCH_DIR/$rows.$processes worker
    [[ -f $key.${4:-floor} ]] || return 0
    for worker in "${4:-floor}" host; do
        awk -v c="$2" '{ print $c }' "$key.$worker" >"$BENCH_DIR/of.$worker"
    done
    ratios "$BENCH_DIR/of.${4:-floor}" "$BENCH_DIR/of.host" | sort -n >"$BENCH_DIR/of.ratios"
    awk -v f="$(median <"$BENCH_DIR/of.${4:-floor}")" -v h="$(median <"$BENCH_DIR/of.host")" \
        -v r="$(median <"$BENCH_DIR/of.ratios")" -v least="$(head -n 1 "$BENCH_DIR/of.ratios")" \
        -v most="$(tail -n 1 "$BENCH_DIR/of.ratios")" -v words="$1" -v bound="$3" 'BEGIN {
        limit = bound; sub(/.* /, "", limit)
        well = bound ~ /least/ ? r >= limit : r <= limit
        if (bound) bound = "   (" bound ")" (well ? "" : "   MISSED")
        printf "  %-26s %10.3f, %10.3f: %5.3f, from %.2f to %.2f%s\n", words, h, f, r, least, most, bound }'
}

drain_verdict() {
    local peak
    echo
    for setting in "${settings[@]}"; do
        read -r rows processes <<<"$setting"
        echo "batches of $rows, $processes process(es): medians of host and floor, and of the rounds' ratios"
        compare 'worker CPU, µs/msg' 2 'at most 1.3'
        compare 'the same, beside the edge' 2 '' edge
        compare 'CPU of all, µs/msg' 5 'at most 1.05'
        compare 'drain rate, msg/s' 1 'at least 0.95'
        peak=$(awk '$6 > most { most = $6 } END { print most }' "$BENCH_DIR/$rows.$processes.host")
        awk -v peak="$peak" 'BEGIN { printf "  %-26s %9.1f   (below 48)%s\n", "peak MB of a process", peak,
            peak < 48 ? "" : "   MISSED" }'
    done
}

# in_turn ROUND: the workers, every other time backwards, for what one leaves behind the next one finds
in_turn() { if (($1 % 2)); then printf '%s\n' "${workers[@]}"; else printf '%s\n' "${workers[@]}" | tac; fi; }

drain() {
    drain_head
    for setting in "${settings[@]}"; do
        read -r rows processes <<<"$setting"
        for ((round = 1; round <= rounds; round++)); do
            for worker in $(in_turn "$round"); do drain_one "$worker"; done
        done
    done
    drain_verdict
}

# ---- steadily --------------------------------------------------------------------------------------

steady_one() { # WORKER RATE WAIT
    local n=$(($2 * seconds))
    login_rest
    "$1_start" 500 2000 "$3" 1
    servers_mark
    login_publish "$n" --rate "$2"
    "$1_await" "$n"
    servers_account
    read -ra settled < <("$1_percentiles") || true
    "$1_stop"
    awk -v n="$n" -v cpu="${MEASURED[cpu]}" -v broker="${MEASURED[broker]}" -v pg="${MEASURED[postgres]}" \
        -v r="$2" -v w="$3" -v worker="$1" -v p50="${settled[0]:--}" -v p99="${settled[1]:--}" 'BEGIN {
            printf "%-8s %-8s %-10s %9s %9s %9.2f %9.2f %9.2f\n", r, w, worker, p50, p99, cpu / n / 1e3,
                broker / n / 1e3, pg / n / 1e3 }'
}

steady() {
    local rate wait
    printf '\nsteadily for %s s (the publisher sends every 20 ms); settled: received to acked; what the\n' "$seconds"
    printf 'broker spends on being published to is in it\n'
    printf '%-8s %-8s %-10s %9s %9s %9s %9s %9s\n' 'msg/s' 'wait ms' worker 'p50 ms' 'p99 ms' \
        'worker µs' 'broker µs' 'pg µs'
    for rate in "${rates[@]}"; do
        for wait in "${waits[@]}"; do
            steady_one floor "$rate" "$wait"
            steady_one host "$rate" "$wait"
        done
    done
}

[[ -z $LOGIN_CACHE ]] || : "${REDIS_URL:?names no Redis}"
login_begin "$count"
[[ $only == steady ]] || drain
[[ $only == drain ]] || steady
