# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# What `dev` says, and the exit statuses it ends with (the ones of warrener itself). Everything for
# people goes to stderr but a command's result.

# shellcheck disable=SC2034 # read by the other parts
readonly EXIT_FAILED=1 EXIT_USAGE=64 EXIT_UNREACHABLE=69 EXIT_INTERNAL=70

LOGS=$ROOT/build/dev/logs
readonly LOGS

say() { printf '%s\n' "$*" >&2; }
complain() { printf 'dev: %s\n' "$*" >&2; }

# fail STATUS WORDS…
fail() {
    local status=$1
    shift
    complain "$*"
    exit "$status"
}

# Milliseconds on a clock that starts anywhere.
now_ms() {
    local now=$EPOCHREALTIME
    printf '%s\n' "$((${now/[.,]/} / 1000))"
}

# since MILLISECONDS: "3.2 s"
since() {
    local ms=$(($(now_ms) - $1))
    printf '%d.%d s\n' $((ms / 1000)) $((ms % 1000 / 100))
}

# seconds_of TIME: 20s, 5m or 20 as seconds
seconds_of() {
    [[ $1 =~ ^([0-9]+)(s|m|h)?$ ]] || fail "$EXIT_USAGE" "\`$1\` is no time; say 20s, 5m or 1h"
    local -A unit=([s]=1 [m]=60 [h]=3600)
    printf '%d\n' $((BASH_REMATCH[1] * ${unit[${BASH_REMATCH[2]:-s}]}))
}

# show_end FILE [LINES]: the end of a log, indented
show_end() {
    [[ -s $1 ]] || return 0
    tail -n "${2:-30}" -- "$1" | sed 's/^/    | /' >&2
    say "    (all of it: ${1#"$ROOT"/})"
}
