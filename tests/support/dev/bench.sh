# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# `dev bench NAME`: builds what is measured, starts private servers and hands over to
# tests/bench/NAME.sh, which finds their URLs and WARRENER_BUILD in its environment.

command_bench() {
    local name=${1:-} scripts=() there
    scripts=(tests/bench/*.sh)
    there=("${scripts[@]##*/}")
    there=("${there[@]%.sh}")
    [[ -n $name && -e tests/bench/$name.sh ]] ||
        fail "$EXIT_USAGE" "usage: ./dev bench NAME; there are: ${there[*]:-none yet}"
    shift
    packages_need build servers
    say 'building'
    build release
    servers_start
    export WARRENER_BUILD=$ROOT/build/release WARRENER_BIN=$ROOT/build/release/warrener
    export WARRENER_WORKERS=$ROOT/build/release/workers
    await bash "tests/bench/$name.sh" "$@"
}
