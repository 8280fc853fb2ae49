# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# Four hosts write the same rows of the same tables, two of them in one order and two in the other. Then:
# PostgreSQL has seen no deadlock, and everything is counted as often as it was to be.

orders() { # SEED EVENTS
    local i key backlog logged
    name_anew
    ledger_begin
    # shellcheck disable=SC2034 # await_quiet and publish give up then
    DEADLINE=$((SECONDS + 300))
    for i in 1 2 3 4; do
        key=up
        ((i % 2)) || key=down
        host_config "orders$i" "$(consumer "collect$i" login_collect $key && consumer "stats$i" login_stats $key)"
        host_start "orders$i"
    done
    for i in 1 2 3 4; do
        wait_until 30 host_is_ready "orders$i" || check "host $i became ready" false
        host_stop "orders$i" || check "host $i ended with 0" false
    done
    events "$2" "$1" 50 | sort -u | sort -t '"' -k 4,4 >"$DIR/events"
    sed -E 's/"key":"[^"]*"/"key":"up"/' "$DIR/events" >"$DIR/events.up"
    tac "$DIR/events" | sed -E 's/"key":"[^"]*"/"key":"down"/' >"$DIR/events.down"
    publish orders1 "$DIR/events.up"
    publish orders1 "$DIR/events.down"
    logged=$(wc -c <"$DIR/postgres/log")
    backlog=$(now_ms)
    for i in 1 2 3 4; do host_start "orders$i"; done
    check 'all of it arrived' await_quiet 4 {collect,stats}{1,2,3,4}
    say "   seed $1: $(wc -l <"$DIR/events") events, four times collected and counted in $(($(now_ms) - backlog)) ms"
    check_account 4
    check 'no deadlock in the log of the server' is \
        "$(tail -c "+$logged" "$DIR/postgres/log" | grep -c 'deadlock detected')" 0
    for i in 1 2 3 4; do
        check_dead "collect$i"
        check_dead "stats$i"
        check "host $i ends with 0" host_stop "orders$i"
    done
}
