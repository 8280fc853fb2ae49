# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# Events with 1 % duplicates and 37 poison rows, while the host is SIGKILLed every two seconds, PostgreSQL
# twice and a backend ended ten times. Then: every confirmed good event is in login_event exactly once,
# the dead queue holds exactly the poison, and login_daily is what a GROUP BY over login_event says.
#
# Most poison is bound to the collector alone, for login_stats would find nothing wrong with it, count
# it, and rightly differ from the table; a kind that nobody knows goes to both, and is refused by both.

readonly STORM_BACKENDS=10 STORM_SERVERS=2
SERVER_COMES= # a job
declare -A DID

# What is wrong with an event, and how often; "both": for both consumers.
readonly POISON='
utf8 6
nul-in-jsonb 5
nul-in-text 3
check-kind 3 both
check-session 3
range-int 3
range-numeric 3
deep 3
deep-in-server 2
trigger 6
'

# A trigger that refuses, and runs out of stack; and that takes its time over each row, so that there is
# always a full window in the host's hands when it is killed.
storm_guards() {
    sql <<'END'
create or replace function login_dig(n int) returns int language plpgsql as
    $$ begin return login_dig(n + 1); end $$;
create or replace function login_guard() returns trigger language plpgsql as $$ begin
    perform pg_sleep(0.0007);
    if new.ua = 'forbidden' then raise exception 'this one is not welcome'; end if;
    if new.ua = 'deep' then perform login_dig(0); end if;
    return new;
end $$;
create or replace trigger login_guard before insert on login_event for each row execute function login_guard();
END
}

brackets() { printf "%0.s$1" $(seq "$2"); }

# poison_body KIND ID
poison_body() {
    local kind=login_ok rest=''
    case $1 in
    utf8) rest=$',"ua":"not \xff text"' ;;
    nul-in-jsonb) rest=',"details":{"a":"b\u0000"}' ;;
    nul-in-text) rest=',"ua":"b\u0000"' ;;
    check-kind) kind=no_such_kind ;;
    check-session) rest=',"session_ms":-1' ;;
    range-int) rest=',"session_ms":2147483648' ;;
    range-numeric) rest=',"details":{"n":1e200000}' ;;
    deep) rest=",\"details\":$(brackets '[' 3000)$(brackets ']' 3000)" ;;
    deep-in-server) rest=',"ua":"deep"' ;;
    trigger) rest=',"ua":"forbidden"' ;;
    esac
    printf '{"event_id":"%s","user_id":7,"kind":"%s","at":"%sT01:02:03.004Z"%s}' "$2" "$kind" \
        "$(date -u +%F)" "$rest"
}

# Lines for publish; what they are goes to the file `poison`.
storm_poison() {
    local what times whom id i key
    while read -r what times whom; do
        for ((i = 0; i < ${times:-0}; i++)); do
            id=$(printf 'dead%04x-%04x-4000-a000-%012x' $((SRANDOM % 65536)) $((SRANDOM % 65536)) "$SRANDOM")
            key=poison
            [[ -z $whom ]] || key=user.login.ok
            printf '{"id":"%s","exchange":"%s","key":"%s","body64":"%s"}\n' "$id" "$NAME" "$key" \
                "$(poison_body "$what" "$id" | base64 -w 0)"
            printf '%s %s %s\n' "$id" "$what" "${whom:-one}" >>"$DIR/poison"
        done
    done <<<"$POISON"
}

# What happens when, in ms from the beginning, in order: the host is killed about every two seconds,
# PostgreSQL once in each half, so that it is up again in between, and backends end at any time.
storm_plan() { # SEED SECONDS
    awk -v seed="$1" -v ms="$2"000 -v servers="$STORM_SERVERS" -v backends="$STORM_BACKENDS" 'BEGIN {
        srand(seed)
        for (at = 2000; at < ms; at += 1500 + rand() * 1000) printf "%d host\n", at
        for (i = 0; i < servers; i++) printf "%d server\n", ms / servers * (i + 0.2 + 0.5 * rand())
        for (i = 0; i < backends; i++) printf "%d backend\n", ms * rand() }' | sort -n
}

storm_host() {
    host_kill storm
    host_start storm
}

storm_server() {
    wait "$SERVER_COMES"
    tests/support/database kill "$DIR/postgres"
    (sleep "0.$((SRANDOM % 10))" && tests/support/database start "$DIR/postgres") &
    SERVER_COMES=$!
}

# One of the host's, whatever it is doing; there has to be one.
storm_backend() {
    local deadline=$((SECONDS + 20))
    until [[ $(sql -c "select pg_terminate_backend(pid) from pg_stat_activity where backend_type = 'client backend'
        and pid <> pg_backend_pid() and datname = current_database() and application_name not like 'psql%'
        order by random() limit 1" || true) == t ]]; do
        ((SECONDS < deadline)) || return 1
        sleep 0.05
    done
}

storm_nemesis() { # SEED SECONDS
    local began at what now
    began=$(now_ms)
    while read -r at what; do
        now=$(($(now_ms) - began))
        ((now >= at)) || sleep "$(awk -v ms=$((at - now)) 'BEGIN { print ms / 1000 }')"
        "storm_$what" && DID[$what]=$((${DID[$what]:-0} + 1))
    done < <(storm_plan "$1" "$2")
    check 'PostgreSQL came up again' wait "$SERVER_COMES"
}

# storm SEED EVENTS SECONDS
storm() {
    local seed=$1 n=$2 seconds=$3 publisher status=0
    DID=()
    sleep 0 &
    SERVER_COMES=$!
    name_anew
    ledger_begin
    storm_guards
    # shellcheck disable=SC2034 # await_quiet and publish give up then
    DEADLINE=$((SECONDS + seconds + 600))
    host_config storm "$(consumer collect login_collect 'user.#' poison && consumer stats login_stats 'user.#')"
    { events "$n" "$seed" 500 && storm_poison; } | shuf --random-source=<(yes "$seed") >"$DIR/events"
    host_start storm
    wait_until 30 host_is_ready storm || check 'the host became ready' false
    publish storm "$DIR/events" --rate $((n * 4 / 3 / seconds)) &
    publisher=$!
    storm_nemesis "$seed" "$seconds"
    wait "$publisher" || status=$?
    check 'every event was confirmed' is "$status" 0
    storm_account "$seed"
}

storm_account() { # SEED
    check 'all of it arrived, and nothing was left' await_quiet 1 collect stats
    say "   seed $1: $(wc -l <"$DIR/ledger") confirmed, of them $(sort -u "$DIR/ledger" | wc -l) different and" \
        "$(wc -l <"$DIR/poison") poison; killed: host ${DID[host]:-0}, PostgreSQL ${DID[server]:-0};" \
        "backends ended ${DID[backend]:-0}"
    check 'the faults were as many as they should be' is "${DID[server]:-0} ${DID[backend]:-0}" \
        "$STORM_SERVERS $STORM_BACKENDS"
    check_account 1
    # shellcheck disable=SC2046
    check_dead collect $(cut -d ' ' -f 1 "$DIR/poison")
    # shellcheck disable=SC2046
    check_dead stats $(awk '$3 == "both" { print $1 }' "$DIR/poison")
    check 'the host ends with 0' host_stop storm
    sql -c 'drop trigger login_guard on login_event'
}
