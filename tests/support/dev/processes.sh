# shellcheck shell=bash disable=SC2034 # what is set here, others read
# SPDX-License-Identifier: Apache-2.0
#
# Processes this script starts, and how it ends: whatever way that is, what was registered with
# at_exit runs once, last first. A process is known by pid and start time, never by name.

AT_EXIT=()

# at_exit COMMAND…: one shell command, run when the script ends
at_exit() { AT_EXIT+=("$*"); }

run_at_exit() {
    local status=$? i
    trap '' INT TERM HUP
    set +e
    for ((i = ${#AT_EXIT[@]} - 1; i >= 0; i--)); do eval "${AT_EXIT[i]}"; done
    exit "$status"
}
trap run_at_exit EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
trap 'exit 129' HUP

# process_mark PID: "PID STARTTIME", or nothing where it is gone; a zombie is gone
process_mark() {
    local stat
    { read -r stat <"/proc/$1/stat"; } 2>/dev/null || return 0
    local fields
    read -ra fields <<<"${stat##*) }"
    [[ ${fields[0]} == [ZX] ]] || printf '%s %s\n' "$1" "${fields[19]}"
}

# process_lives "PID STARTTIME"
process_lives() { [[ -n $1 && $(process_mark "${1%% *}") == "$1" ]]; }

# Sets UPTIME: seconds on a clock that nobody sets, as the wall's is while a machine starts, and SECONDS
# with it.
UPTIME=0
uptime_now() {
    read -r UPTIME _ </proc/uptime
    UPTIME=${UPTIME%.*}
}

# process_end "PID STARTTIME" SIGNAL [SECONDS]: the signal, then SIGKILL after the time (10 s)
process_end() {
    local mark=$1 signal=$2 deadline
    uptime_now
    deadline=$((UPTIME + ${3:-10}))
    process_lives "$mark" || return 0
    kill -s "$signal" "${mark%% *}" 2>/dev/null || true
    while process_lives "$mark"; do
        uptime_now
        if ((UPTIME >= deadline)); then kill -s KILL "${mark%% *}" 2>/dev/null || true; fi
        sleep 0.05
    done
}

# process_end_family "PID STARTTIME": SIGKILL to it and to its children, who would outlive it for a
# moment and hold what a new one needs. It is stopped first, so that it has no more of them.
process_end_family() {
    local child marks=()
    process_lives "$1" || return 0
    kill -s STOP "${1%% *}"
    wait_until 10 process_stands "${1%% *}" || true
    for child in $(pgrep -P "${1%% *}"); do marks+=("$(process_mark "$child")"); done
    process_end "$1" KILL
    for child in "${marks[@]}"; do process_end "$child" KILL; done
}

process_stands() {
    local stat
    { read -r stat <"/proc/$1/stat"; } 2>/dev/null || return 0
    [[ ${stat##*) } == T* ]]
}

# detach LOG COMMAND…: starts a server in its own session with no descriptor of ours; sets DETACHED
# to its mark. Its output is added to LOG.
detach() {
    local log=$1
    shift
    (
        exec </dev/null >>"$log" 2>&1
        local fd
        for fd in /proc/self/fd/*; do
            fd=${fd##*/}
            ((fd <= 2)) || eval "exec $fd>&-"
        done
        exec setsid "$@"
    ) &
    DETACHED=$(process_mark $!)
    disown $!
}

AWAITED=

# await COMMAND…: as a plain call, but a signal to this script ends the command at once, with all
# it started: it is a process group of its own.
await() {
    local status=0
    set -m
    "$@" </dev/null &
    set +m
    AWAITED=$(process_mark $!)
    wait $! || status=$?
    AWAITED=
    return "$status"
}

end_awaited() {
    process_lives "$AWAITED" || return 0
    kill -s TERM -- "-${AWAITED%% *}" 2>/dev/null
    process_end "$AWAITED" TERM
}
at_exit end_awaited

# free_ports N: sets PORTS to loopback ports nobody listens on, below those the system hands out. Each
# is given once in two hours: whoever has it may not listen yet, or be down for a while.
free_ports() {
    local -A taken=()
    local address port given=$ROOT/build/dev/ports
    mkdir -p "$given"
    find "$given" -ignore_readdir_race -type f -mmin +120 -delete # servers that start beside do so too
    while read -r _ address _; do # those that listen; of the others there may be tens of thousands
        taken[$((16#${address##*:}))]=1
    done < <(grep -h ' 0A ' /proc/net/tcp /proc/net/tcp6 2>/dev/null)
    PORTS=()
    while ((${#PORTS[@]} < $1)); do
        port=$((20100 + SRANDOM % 11900)) # rabbitmqctl takes the first free one from 20000 on
        [[ -z ${taken[$port]:-} ]] || continue
        if (set -o noclobber && : >"$given/$port") 2>/dev/null; then PORTS+=("$port"); fi
    done
}

# port_was_taken LOG: the server that wrote it found its port in use, though it was free when it was chosen
port_was_taken() { grep -qiE 'address already in use|eaddrinuse|in use by another' "$1"; }

# wait_until SECONDS COMMAND…: asked once more at the end, for the time may have gone by in one piece
wait_until() {
    local deadline
    uptime_now
    deadline=$((UPTIME + $1))
    shift
    until "$@"; do
        uptime_now
        if ((UPTIME >= deadline)); then
            "$@"
            return
        fi
        sleep 0.1
    done
}
