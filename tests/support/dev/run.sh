# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# `dev run`: the demonstration. Servers, the host with the login log's workers, tally and the shopping
# carts' worker, and a trickle of events, until Ctrl-C or for a time; what it started is gone afterwards.

readonly DEMO_RATE=20 # events a second

command_run() {
    local seconds=
    case ${1:-} in
    '') ;;
    --for) seconds=$(seconds_of "${2:?}") ;;
    *) fail "$EXIT_USAGE" 'usage: ./dev run [--for TIME]' ;;
    esac
    packages_need build servers
    say 'building'
    build release warrener tally login_collect login_stats cart_keep
    servers_start
    demo_start
    servers_show
    printf '%-14s %s\n' 'live page' "$DEMO_URL/" status "$DEMO_URL/status" metrics "$DEMO_URL/metrics" \
        handlers 'workers/login_collect/login_collect.c, and more in workers/' \
        configuration docs/examples/demo.yaml 'to read' 'docs/login-log.md, docs/shopping-cart.md' \
        'a cart' "redis-cli -u $REDIS_URL HGET cart:1 value"
    say "consuming${seconds:+ for $seconds s}; Ctrl-C ends it"
    [[ -n $seconds ]] || trap 'exit 0' INT TERM
    demo_watch "$seconds"
}

demo_start() {
    free_ports 1
    export WARRENER_PORT=${PORTS[0]} WARRENER_WORKERS=$ROOT/build/release/workers
    export WARRENER_CONFIG=$ROOT/docs/examples/demo.yaml
    DEMO_URL=http://127.0.0.1:$WARRENER_PORT
    DEMO_LOG=$LOGS/run.log
    mkdir -p "$LOGS"
    build/release/warrener migrate --dir sql/workers >"$DEMO_LOG" 2>&1 ||
        demo_fail "$DEMO_LOG" 'the migrations failed'
    demo_products >>"$DEMO_LOG" 2>&1 || demo_fail "$DEMO_LOG" 'the products were not taken'
    servers_client "$DEMO_LOG" build/release/warrener run
    DEMO_HOST=$DETACHED
    if ! wait_until 60 demo_is_ready || ! process_lives "$DEMO_HOST"; then
        curl -s --noproxy '*' -m 2 "$DEMO_URL/readyz" | sed 's/^/    readyz: /' >&2 || true
        demo_fail "$DEMO_LOG" 'the host did not become ready'
    fi
    : >"$LOGS/run-events.log"
    servers_client "$LOGS/run-events.log" "$ROOT/dev" demo-events
    DEMO_EVENTS=$DETACHED
}

# demo_fail LOG WORDS
demo_fail() {
    show_end "$1"
    fail "$EXIT_FAILED" "$2"
}

demo_is_ready() {
    ! process_lives "$DEMO_HOST" ||
        curl -sf -o /dev/null --noproxy '*' -m 2 "$DEMO_URL/readyz"
}

# Runs in a session of its own. Events, made as fast as the publisher takes them.
demo_events() {
    demo_lines | build/release/warrener publish --rate "$DEMO_RATE" --ndjson /dev/stdin
}

demo_products() {
    local programs=(/usr/lib/postgresql/*/bin/psql)
    "${programs[-1]}" -qX -v ON_ERROR_STOP=1 "$DATABASE_URL" -c "INSERT INTO product (sku, name, price)
        SELECT 'sku-' || i, 'Article ' || i, 0.99 + i FROM generate_series(0, 49) i"
}

# Logins of a thousand users, and the carts of twenty of them; one event in fifty is published twice, as
# publishers do that are not sure. Ids are UUIDv7.
demo_lines() {
    local ms id at line seqs=()
    while
        ms=$((${EPOCHREALTIME/[.,]/} / 1000))
        printf -v id '%08x-%04x-7%03x-%04x-%04x%08x' $((ms >> 16)) $((ms & 0xFFFF)) \
            $((SRANDOM & 0xFFF)) $((SRANDOM & 0x3FFF | 0x8000)) $((SRANDOM & 0xFFFF)) $SRANDOM
        TZ=UTC printf -v at '%(%Y-%m-%dT%H:%M:%S)T.%03dZ' $((ms / 1000)) $((ms % 1000))
        if ((SRANDOM % 4)); then demo_login; else demo_cart; fi
        ((SRANDOM % 50)) || line+=$'\n'$line
        printf '%s\n' "$line"
    do :; done
}

# Both make a line of demo_lines' id and at.
demo_login() {
    local kinds=(login_ok login_ok login_ok login_failed logout logout) keys=(ok ok ok failed '' '')
    local which=$((SRANDOM % 6)) key more=
    key=user.login.${keys[which]}
    [[ ${kinds[which]} != logout ]] || key=user.logout more=",\"session_ms\":$((SRANDOM % 3600000))"
    printf -v line '{"id":"%s","exchange":"events","key":"%s","type":"%s","body":{"event_id":"%s","user_id":%d,"kind":"%s","at":"%s","ip":"10.%d.%d.%d","ua":"Mozilla/5.0"%s}}' \
        "$id" "$key" "$key" "$id" $((SRANDOM % 1000 + 1)) "${kinds[which]}" "$at" \
        $((SRANDOM % 4)) $((SRANDOM % 256)) $((SRANDOM % 256)) "$more"
}

demo_cart() {
    local user=$((SRANDOM % 20 + 1)) which=$((SRANDOM % 20)) key=cart.item.set more
    printf -v more ',"sku":"sku-%d"' $((SRANDOM % 50))
    case $which in
    0) key=cart.checked_out more= ;;
    1) key=cart.cleared more= ;;
    [2-6]) key=cart.item.removed ;;
    *) more+=",\"quantity\":$((SRANDOM % 9 + 1))" ;;
    esac
    seqs[user]=$((${seqs[user]:-0} + 1))
    printf -v line '{"id":"%s","exchange":"shop","key":"%s","type":"%s","body":{"user_id":%d,"seq":%d,"at":"%s"%s}}' \
        "$id" "$key" "$key" "$user" "${seqs[user]}" "$at" "$more"
}

# demo_watch [SECONDS]: a line every few seconds with what happened since the last; longer where nothing has
# happened yet, for a busy machine may only just have started the publisher
demo_watch() {
    local began=$SECONDS left pause=5 late
    DEMO_AT=$(now_ms)
    while left=$((${1:-SECONDS} - SECONDS + began)) late=$((DEMO_DONE == 0 || DEMO_ROWS == 0)) &&
        { [[ -z $1 ]] || ((left > 0 || (late && left > -60))); }; do
        if [[ -n $1 ]] && ((pause > left)); then pause=$((left > 0 ? left : 1)); fi
        await sleep "$pause"
        process_lives "$DEMO_HOST" || demo_fail "$DEMO_LOG" 'the host has ended'
        process_lives "$DEMO_EVENTS" || demo_fail "$LOGS/run-events.log" 'the publisher has ended'
        demo_line $((SECONDS - began))
    done
    ((DEMO_DONE > 0)) || demo_fail "$DEMO_LOG" 'no message was handled'
    ((DEMO_ROWS > 0)) || demo_fail "$DEMO_LOG" 'no row was written'
}

DEMO_DONE=0 DEMO_ROWS=0
DEMO_AT=0 # milliseconds, of the last line

# demo_line SECONDS: what the metrics say now
demo_line() {
    local metrics before=$DEMO_DONE at=$DEMO_AT rate
    metrics=$(curl -sf --noproxy '*' -m 5 "$DEMO_URL/metrics") ||
        demo_fail "$DEMO_LOG" "$DEMO_URL/metrics does not answer"
    DEMO_AT=$(now_ms)
    DEMO_DONE=$(demo_sum 'warrener_messages_settled_total[{].*outcome="done"')
    DEMO_ROWS=$(demo_sum 'warrener_batch_rows_sum[{].*queue="(login[.](collect|stats)|cart[.]keep)"')
    rate=$(((DEMO_DONE - before) * 10000 / (DEMO_AT - at)))
    printf '%5d s  %3d.%d messages/s, %d handled in all, %d rows sent, %d of them repeats, %d dead, %d in flight\n' \
        "$1" $((rate / 10)) $((rate % 10)) "$DEMO_DONE" "$DEMO_ROWS" \
        "$(demo_sum 'warrener_duplicates_total[{]')" \
        "$(demo_sum 'warrener_messages_settled_total[{].*outcome="dead"')" \
        "$(demo_sum 'warrener_messages_in_flight[{]')"
}

# demo_sum PATTERN: the sum of the series in `metrics` that begin so
demo_sum() {
    awk -v pattern="^$1" '$0 ~ pattern { sum += $NF } END { printf "%d", sum }' <<<"$metrics"
}
