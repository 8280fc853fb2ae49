# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# Private RabbitMQ, Redis and PostgreSQL on free loopback ports, all of them below one temporary
# directory that is gone afterwards. Their URLs are in SERVERS_DIR/env. A guard in a session of its
# own ends them when this script dies without a word.

SERVERS_DIR=
SERVERS_GUARD=

# servers_start [rabbit] [redis] [postgres]: all three when none is named; exports their URLs
servers_start() {
    local wanted=("$@") started which jobs=() failed=()
    ((${#wanted[@]})) || wanted=(rabbit redis postgres)
    for which in "${wanted[@]}"; do
        [[ $which == @(rabbit|redis|postgres) ]] ||
            fail "$EXIT_USAGE" "there is no server \`$which\`; there are rabbit, redis, postgres"
    done
    packages_need servers
    started=$(now_ms)
    SERVERS_DIR=$(mktemp -d "${TMPDIR:-/tmp}/warrener-servers.XXXXXX")
    chmod 711 "$SERVERS_DIR" # PostgreSQL may have to be another user
    at_exit servers_stop
    # shellcheck disable=SC2016 # for the guard's own shell
    detach /dev/null bash -c 'tail --pid="$1" -f /dev/null; exec "$2" servers-end "$3"' guard \
        $$ "$ROOT/dev" "$SERVERS_DIR"
    SERVERS_GUARD=$DETACHED
    say "starting private servers: ${wanted[*]}"
    for which in "${wanted[@]}"; do
        (
            trap - EXIT
            process_mark "$BASHPID" >"$SERVERS_DIR/$which.starting"
            "${which}_start" "$SERVERS_DIR/$which"
        ) &
        jobs+=("$!:$which")
    done
    for which in "${jobs[@]}"; do
        wait "${which%%:*}" || failed+=("${which#*:}")
    done
    ((${#failed[@]} == 0)) || fail "$EXIT_UNREACHABLE" "could not start: ${failed[*]}"
    cat "$SERVERS_DIR"/*/env >"$SERVERS_DIR/env"
    # shellcheck source=/dev/null
    source "$SERVERS_DIR/env"
    say "servers are up after $(since "$started")"
}

servers_stop() {
    [[ -n $SERVERS_DIR ]] || return 0
    [[ -z $SERVERS_GUARD ]] || kill -s TERM -- "-${SERVERS_GUARD%% *}" 2>/dev/null
    servers_end "$SERVERS_DIR"
    SERVERS_DIR=
}

# servers_client LOG COMMAND…: detaches what lives off the servers and ends before them; sets DETACHED
servers_client() {
    detach "$@"
    mkdir -p "$SERVERS_DIR/clients"
    printf '%s\n' "$DETACHED" >"$SERVERS_DIR/clients/${DETACHED%% *}"
}

# servers_end DIR: ends what runs in it and removes it. What is just being started is waited for: it
# would come up after its directory has gone.
servers_end() {
    [[ ${1##*/} == warrener-servers.* && -d $1 ]] || return 0
    local which
    for which in "$1"/*.starting; do
        while process_lives "$(<"$which")"; do sleep 0.1; done
    done
    for which in "$1"/clients/*; do
        which=$(<"$which")
        ! process_lives "$which" || kill -s TERM -- "-${which%% *}" 2>/dev/null || true
        process_end "$which" TERM 30
    done
    [[ ! -d $1/rabbit ]] || "$ROOT/tests/support/broker" end "$1/rabbit"
    for which in redis postgres; do
        [[ ! -s $1/$which/mark ]] || process_end "$(<"$1/$which/mark")" INT 30
    done
    rm -rf -- "$1"
}

rabbit_start() { "$ROOT/tests/support/broker" start "$1"; }

redis_start() {
    mkdir "$1"
    start_on_a_port Redis "$1" redis-server --bind 127.0.0.1 --dir "$1" --save '' --appendonly no --port
    printf 'export REDIS_URL=redis://127.0.0.1:%d/0\n' "${PORTS[0]}" >"$1/env"
}

# start_on_a_port NAME DIR COMMAND…: starts it on a free port, its last argument, and waits until it says
# that it is ready: on the port somebody else may listen, who took it in the meantime. Sets PORTS.
start_on_a_port() {
    local name=$1 dir=$2
    shift 2
    for _ in 1 2 3; do
        free_ports 1
        : >"$dir/log"
        detach "$dir/log" "$@" "${PORTS[0]}"
        printf '%s\n' "$DETACHED" >"$dir/mark"
        ! wait_until 60 is_ready_or_gone "$dir/log" || ! process_lives "$DETACHED" || return 0
        port_was_taken "$dir/log" || break
    done
    start_failed "$name" "$dir/log"
}

is_ready_or_gone() { grep -qi 'ready to accept connections' "$1" || ! process_lives "$DETACHED"; }

postgres_start() {
    local programs=(/usr/lib/postgresql/*/bin) as=() bin='' user
    ((${#programs[@]} == 0)) || bin=${programs[-1]}/
    mkdir "$1"
    if ((EUID == 0)); then # initdb and postgres refuse root
        user=$(id -u postgres >/dev/null 2>&1 && echo postgres || echo nobody)
        chown "$user" "$1"
        as=(setpriv "--reuid=$user" "--regid=$(id -g "$user")" --init-groups --)
    fi
    printf 'warrener\n' >"$1/password"
    cd "$1" || return # where that user may be
    "${as[@]}" env LC_ALL=C.UTF-8 "${bin}initdb" -D "$1/data" -U warrener -A scram-sha-256 \
        --pwfile="$1/password" -E UTF8 --no-sync --no-instructions </dev/null >"$1/initdb.log" 2>&1 ||
        start_failed PostgreSQL "$1/initdb.log"
    # Enough for several test programs at once: what one of them counts is not to be pushed out by the
    # statements of the others.
    start_on_a_port PostgreSQL "$1" "${as[@]}" "${bin}postgres" -D "$1/data" \
        -c listen_addresses=127.0.0.1 -c unix_socket_directories= \
        -c max_connections=300 -c shared_preload_libraries=pg_stat_statements \
        -c pg_stat_statements.max=20000 -p
    PGPASSWORD=warrener "${bin}createdb" -h 127.0.0.1 -p "${PORTS[0]}" -U warrener warrener ||
        start_failed PostgreSQL "$1/log"
    printf 'export DATABASE_URL=postgresql://warrener:warrener@127.0.0.1:%d/warrener\n' \
        "${PORTS[0]}" >"$1/env"
}

start_failed() {
    complain "$1 did not start; the end of its log:"
    tail -n 25 -- "$2" >&2
    exit "$EXIT_UNREACHABLE"
}

servers_show() {
    printf '%-14s %s\n' AMQP "${AMQP_URL:--}" 'AMQP over TLS' "${AMQPS_URL:--}" \
        'admin UI' "${MANAGEMENT_URL:--}" PostgreSQL "${DATABASE_URL:--}" Redis "${REDIS_URL:--}" |
        grep -v ' -$'
    printf 'as shell:      source %s/env\n' "$SERVERS_DIR"
}

# Until Ctrl-C, SIGTERM, or the end of whoever started this.
command_servers() {
    servers_start "$@"
    servers_show
    say 'Ctrl-C ends them'
    trap 'exit 0' INT TERM
    await tail --pid="$PPID" -f /dev/null
}
