# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# What the fault tests of the login log share: a private PostgreSQL with the tables, hosts that are
# started and killed, a ledger of confirmed ids, the dead queues, and the account at the end. Exchange
# and queues have a name of this run's own ($NAME) on the broker at AMQP_URL, and go when it ends.

DIR=
NAME=
declare -A HOSTS # name -> pid
TESTED=0 PASSING=0

fault_begin() {
    DIR=$(mktemp -d "${TMPDIR:-/tmp}/warrener-login.XXXXXX")
    chmod 711 "$DIR"
    at_exit fault_end
    tests/support/database start "$DIR/postgres" "$@"
    # shellcheck source=/dev/null
    source "$DIR/postgres/env"
    name_anew
    host_config any "$(consumer none login_collect none)"
    migrate
}

# Queues and exchange of the next test.
name_anew() {
    drop_queues
    NAME=login.$$.$SRANDOM
}

fault_end() {
    local name
    for name in "${!HOSTS[@]}"; do host_kill "$name"; done
    jobs -p | xargs -r kill 2>/dev/null
    tests/support/database end "$DIR/postgres"
    drop_queues
    umount "$DIR/small" 2>/dev/null
    ((TESTED == PASSING)) || { say "kept: $DIR" && return; }
    rm -rf -- "$DIR"
}

migrate() {
    "$WARRENER_BIN" migrate -c "$DIR/any.yaml" --dir sql/workers >"$DIR/migrate.log" 2>&1 ||
        { show_end "$DIR/migrate.log" && fail "$EXIT_FAILED" 'warrener migrate failed'; }
}

# Never read-only itself, whatever the server is told to be.
sql() {
    PGOPTIONS='-c default_transaction_read_only=off' psql "$DATABASE_URL" -XqAt -F ' ' \
        -v ON_ERROR_STOP=1 "$@" 2>>"$DIR/sql.log"
}

# check WORDS COMMAND…: one thing that must be so
check() {
    TESTED=$((TESTED + 1))
    if "${@:2}"; then
        PASSING=$((PASSING + 1))
    else
        say "   FAILED: $1"
    fi
}

is() { [[ $1 == "$2" ]]; }
has() { [[ $1 == *"$2"* ]]; }

# ---- the broker, by its management API -------------------------------------------------------------

api() { # METHOD PATH [BODY]
    curl -s --noproxy '*' -m 20 -X "$1" -H 'content-type: application/json' ${3:+-d "$3"} \
        "$MANAGEMENT_URL/api/$2"
}

drop_queues() {
    local queue
    [[ -n $NAME ]] || return 0
    for queue in $(api GET 'queues/%2F?columns=name' | grep -o "\"$NAME\.[^\"]*\"" | tr -d '"'); do
        api DELETE "queues/%2F/$queue" >/dev/null
    done
    api DELETE "exchanges/%2F/$NAME" >/dev/null
}

# queue_messages QUEUE: ready and unacked, up to five seconds ago
queue_messages() { api GET "queues/%2F/$NAME.$1?columns=messages" | grep -o '[0-9]*' || echo '?'; }

# dead_letters QUEUE: takes them all; "ID REASON" a letter
dead_letters() {
    local got
    while got=$(api POST "queues/%2F/$NAME.$1.dead/get" \
        '{"count":500,"ackmode":"ack_requeue_false","encoding":"base64","truncate":1}') &&
        [[ $got == *'"properties"'* ]]; do
        # One letter a record; its payload is one byte in base64, and cannot mislead.
        awk -v RS='"payload_bytes"' '/message_id/ {
            match($0, /"message_id":"[^"]*"/)
            id = substr($0, RSTART + 14, RLENGTH - 15)
            reason = match($0, /"x-warrener-reason":"[^"]*"/) ? substr($0, RSTART + 21, RLENGTH - 22) : "broker"
            print id, reason }' <<<"$got"
    done
}

# ---- hosts -----------------------------------------------------------------------------------------

MORE= # lines for each consumer

consumer() { # QUEUE HANDLER KEY…
    local key keys=
    for key in "${@:3}"; do keys+="{exchange: $NAME, type: topic, key: \"$key\"}, "; done
    printf '  - queue: %s\n    handler: %s\n    max_message: 16KiB\n    bind: [%s]\n%s\n' "$NAME.$1" "$2" \
        "${keys%, }" "$MORE"
}

host_config() { # NAME CONSUMERS
    cat >"$DIR/$1.yaml" <<END
name: faults-$1
amqp: {url: "$AMQP_URL"}
postgres: {url: "$DATABASE_URL", connections: 2}
http: {listen: "127.0.0.1:0"}
plugins: $WARRENER_WORKERS
consumers:
$2
END
}

host_start() {
    "$WARRENER_BIN" run -c "$DIR/$1.yaml" >"$DIR/$1.log.new" 2>&1 &
    HOSTS[$1]=$!
}

# What it said is kept, and looked through for what must never be there.
host_log() {
    cat "$DIR/$1.log.new" >>"$DIR/$1.log"
    rm -f "$DIR/$1.log.new"
}

host_kill() {
    [[ -n ${HOSTS[$1]:-} ]] || return 0
    kill -KILL "${HOSTS[$1]}" 2>/dev/null
    wait "${HOSTS[$1]}" 2>/dev/null
    unset "HOSTS[$1]"
    host_log "$1"
}

# host_stop NAME: in good order; its exit status
host_stop() {
    local status=0
    kill -TERM "${HOSTS[$1]}" 2>/dev/null
    wait "${HOSTS[$1]}" 2>/dev/null || status=$?
    unset "HOSTS[$1]"
    host_log "$1"
    return "$status"
}

host_lives() { kill -0 "${HOSTS[$1]}" 2>/dev/null; }

# host_get NAME PATH: the body; fails unless 200
host_get() {
    local address
    address=$(sed -n 's/.* listen=\([^ ]*\).*/\1/p' "$DIR/$1.log.new" | head -n 1)
    [[ -n $address ]] && curl -sS --fail-with-body --noproxy '*' -m 5 "http://$address$2" 2>/dev/null
}

host_is_ready() { host_get "$1" /readyz >/dev/null; }

# ---- events and the ledger -------------------------------------------------------------------------

events() { # N SEED USERS
    awk -v n="$1" -v seed="$2" -v users="$3" -v exchange="$NAME" -v days="$(date -u +%F) \
        $(date -u -d '1 day ago' +%F) $(date -u -d '2 days ago' +%F)" -f tests/faults/login/events.awk
}

# publish HOST FILE [ARGUMENT…]: in pieces; the ids of a piece go to the ledger, on disk, when all of it
# is confirmed. One that is not is published again: its ids are the same.
publish() {
    local piece pieces=$DIR/pieces.$BASHPID
    mkdir "$pieces"
    split -l 1000 -a 4 "$2" "$pieces/"
    for piece in "$pieces"/*; do
        until "$WARRENER_BIN" publish -c "$DIR/$1.yaml" --ndjson "$piece" "${@:3}" >>"$DIR/publish.log" 2>&1; do
            ((SECONDS < DEADLINE)) || return 1
            sleep 0.2
        done
        cut -d '"' -f 4 "$piece" >>"$DIR/ledger"
        sync "$DIR/ledger"
    done
    rm -r "$pieces"
}

ledger_begin() {
    : >"$DIR/ledger"
    : >"$DIR/poison"
    sql -c 'truncate login_event, login_daily' -c 'drop table if exists good' -c 'create table good (id uuid primary key)'
}

# ledger_good: the ids that must be in the table, each once
ledger_good() { sort -u "$DIR/ledger" | grep -vxFf <(cut -d ' ' -f 1 "$DIR/poison"; echo none); }

# account TIMES: the line of account.sql
account() {
    ledger_good >"$DIR/good"
    sql -c 'truncate good' -c "\\copy good from '$DIR/good'" && sql -v times="$1" -f tests/faults/login/account.sql
}

all_arrived() { # TIMES
    local line
    [[ $(sql -c 'select count(*) from login_event') == "$(wc -l <"$DIR/good")" ]] &&
        line=$(account "$1") && [[ $line == *' missing 0 '*' days-wrong 0' ]]
}

# await_quiet TIMES QUEUE…: everything has arrived, and the queues say so too
await_quiet() {
    local times=$1 queue
    ledger_good >"$DIR/good"
    until all_arrived "$times"; do
        ((SECONDS < DEADLINE)) || return 1
        sleep 0.5
    done
    for queue in "${@:2}"; do
        until [[ $(queue_messages "$queue") == 0 ]]; do
            ((SECONDS < DEADLINE)) || return 1
            sleep 0.5
        done
    done
}

# The account, and that it is without fault.
check_account() { # TIMES
    local line
    line=$(account "$1")
    say "   $line"
    check 'every confirmed good event is in the table once, and counted once' is \
        "missing${line##* missing}" 'missing 0 strange 0 twice 0 days-wrong 0'
}

# The last of them may be on their way: that a queue is empty is told some seconds late.
check_dead() { # QUEUE [ID…]: exactly these, each at least once
    local letters late=$((SECONDS + 30))
    letters=$(dead_letters "$1")
    until (($(cut -d ' ' -f 1 <<<"$letters" | sort -u | grep -c .) >= $# - 1 || SECONDS >= late)); do
        sleep 0.5
        letters+=$'\n'$(dead_letters "$1")
    done
    letters=$(grep . <<<"$letters" | sort)
    say "   $1.dead: $(grep -c . <<<"$letters" || true) letters$(cut -d ' ' -f 2 <<<"$letters" | sort | uniq -c |
        awk 'NF > 1 { printf ", %d %s", $1, $2 }')"
    printf '%s\n' "$letters" >"$DIR/$1.dead"
    check "$1.dead holds exactly what it should" is "$(cut -d ' ' -f 1 <<<"$letters" | sort -u)" \
        "$(printf '%s\n' "${@:2}" | sort -u)"
}
