# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# PostgreSQL answers, and cannot: its disk is full, it is read-only, it has no connection to give, the
# table is gone. It lasts, and is mended. Then: nothing was dead-lettered, everything has arrived, and
# /livez was 200 all the time.

SMALL= # a little disk, where there may be one

# A disk of the database's own; needs the right to mount, in a namespace that ends with this script.
small_disk() {
    mkdir -p "$DIR/small"
    mount -t tmpfs -o size=64m,mode=777 none "$DIR/small" 2>/dev/null || return 0
    mkdir -m 700 "$DIR/small/tables"
    chown --reference="$DIR/postgres/data" "$DIR/small/tables"
    sql -c 'truncate warrener.inbox'
    psql "${DATABASE_URL%/*}/postgres" -Xqc "create tablespace small location '$DIR/small/tables'" \
        -c 'alter database warrener set tablespace small' 2>>"$DIR/sql.log" && SMALL=$DIR/small
}

# What the tables' files still have room for is filled too.
fill_disk() {
    dd if=/dev/zero of="$SMALL/ballast" bs=1K 2>/dev/null
    while sql -c 'create table if not exists filler (t text)' \
        -c "insert into filler select repeat('x', 2000) from generate_series(1, 1000)"; do :; done
}
free_disk() {
    rm "$SMALL/ballast"
    sql -c 'drop table if exists filler'
}

make_read_only() { sql -c 'alter system set default_transaction_read_only = on' -c 'select pg_reload_conf()' >/dev/null; }
make_writable() { sql -c 'alter system reset default_transaction_read_only' -c 'select pg_reload_conf()' >/dev/null; }

# Others have taken all connections, and keep them until their input ends. That nobody else gets one does
# not say so: one of them may be between two tries, and the host would be quicker.
take_connections() {
    local i most
    host_stop outage || true
    most=$(sql -c 'show max_connections')
    mkdir "$DIR/held"
    mkfifo "$DIR/input"
    exec {INPUT}<>"$DIR/input"
    for ((i = 0; i < most; i++)); do hold_connection "$i" {INPUT}>&- & done
    check 'others have all connections' wait_until 60 are_held "$most"
    host_start outage {INPUT}>&-
    wait_until 60 host_is_alive outage
}
hold_connection() {
    while [[ -e $DIR/held ]]; do
        psql "$DATABASE_URL" -Xq -c "\\! : >'$DIR/held/$1'" -f "$DIR/input" >/dev/null 2>&1
        sleep 0.05
    done
}
are_held() {
    local held=("$DIR"/held/*)
    ((${#held[@]} == $1))
}
give_connections() {
    rm -r "$DIR/held" "$DIR/input"
    exec {INPUT}>&-
}

drop_table() {
    pg_dump "$DATABASE_URL" -t login_event -t 'login_event_*' >"$DIR/dump.sql"
    sql -c 'drop table login_event'
}
restore_table() { sql -1 -f "$DIR/dump.sql" >/dev/null; }

# outage WORDS BREAK MEND SECONDS SAID
outage() {
    local words=$1 until_ms mended_ms deaf=0 said='' is_ready=
    # shellcheck disable=SC2034 # await_quiet and publish give up then
    DEADLINE=$((SECONDS + $4 + 120))
    events 1000 "$((SRANDOM % 2147483648))" 500 >"$DIR/events"
    publish outage "$DIR/events"
    check "$words: all is well before" await_quiet 1
    "$2"
    events 3000 "$((SRANDOM % 2147483648))" 500 >"$DIR/events"
    publish outage "$DIR/events"
    until_ms=$(($(now_ms) + $4 * 1000))
    # On a slow machine it may be later that the host has noticed, and that is well.
    until (($(now_ms) >= until_ms)) && [[ $is_ready == no && $said == *"$5"* ]]; do
        (($(now_ms) < until_ms + 60000)) || break
        host_is_alive outage || deaf=$((deaf + 1))
        is_ready=yes
        said=$(host_get outage /readyz) || is_ready=no
        sleep 0.25
    done
    say "   $words, $4 s: readyz says \"$(tr '\n' ' ' <<<"$said")\""
    "$3"
    mended_ms=$(now_ms)
    check "$words: the host lives" host_lives outage
    check "$words: /livez was 200 throughout" is "$deaf" 0
    check "$words: /readyz said that nothing flows" is "$is_ready" no
    check "$words: and what to do: $5" has "$said" "$5"
    events 500 "$((SRANDOM % 2147483648))" 500 >"$DIR/events"
    publish outage "$DIR/events"
    check "$words: everything arrives" await_quiet 1
    say "   mended; all of it had arrived after $(since "$mended_ms")"
    check_account 1
    check_dead collect
    check_dead stats
}

postgres_pids() {
    local postmaster
    postmaster=$(sql -c "select split_part(pg_read_file('postmaster.pid'), E'\n', 1)")
    echo "$postmaster" "$(pgrep -P "$postmaster" | paste -sd " ")"
}
host_is_unready() { ! host_is_ready "$1"; }
host_is_alive() { host_get "$1" /livez >/dev/null; }

# Stopped while there is nothing to do: that has to be noticed before the next message is there.
standing_still() {
    local pids=()
    read -ra pids <<<"$(postgres_pids)"
    kill -STOP "${pids[@]}"
    check 'standing still: it is noticed without any work' wait_until 60 host_is_unready outage
    say "   standing still: readyz says \"$(host_get outage /readyz | tr '\n' ' ')\""
    kill -CONT "${pids[@]}"
    check 'standing still: the host is ready again' wait_until 30 host_is_ready outage
}

outages() { # SECONDS
    name_anew
    ledger_begin
    small_disk
    # Little batches and a single attempt: whatever is wrongly blamed on a message is soon seen.
    # shellcheck disable=SC2034 # `consumer` reads it
    local MORE=$'    batch: {rows: 10, wait: 20ms}\n    retry: {attempts: 1}'
    host_config outage "$(consumer collect login_collect 'user.#' && consumer stats login_stats 'user.#')"
    host_start outage
    wait_until 30 host_is_ready outage || check 'the host became ready' false
    standing_still
    outage 'read-only' make_read_only make_writable "$1" 'read-only'
    outage 'the table dropped' drop_table restore_table "$1" 'CREATE TABLE'
    outage 'too many connections' take_connections give_connections "$1" 'raise its max_connections'
    if [[ -n $SMALL ]]; then
        outage 'the disk full' fill_disk free_disk "$1" 'disk is full: free some'
    else
        say '   the disk full: PASSED OVER, for mounting a small disk needs root and CAP_SYS_ADMIN'
    fi
    check 'nothing is left in the queues' await_quiet 1 collect stats
    check 'the host ends with 0' host_stop outage
}
