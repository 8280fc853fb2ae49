# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# What has to be installed, and its installation. Only what is missing is asked for; services that
# the packages bring are not started. Until this has run, bash and coreutils are all there is.

# for|package|what shows that it is there: a command, or a file under /usr (a pattern)
readonly PACKAGES='
build|gcc|gcc
build|libc6-dev|/usr/include/stdio.h
build|g++|g++
build|cmake|cmake
build|ninja-build|ninja
build|pkg-config|pkg-config
build|librabbitmq-dev|/usr/include/amqp.h
build|libhiredis-dev|/usr/include/hiredis/hiredis.h
build|libpq-dev|/usr/include/postgresql/libpq-fe.h
build|libevent-dev|/usr/include/event2/event.h
build|libyaml-dev|/usr/include/yaml.h
build|libssl-dev|/usr/include/openssl/ssl.h
build|libcriterion-dev|/usr/include/criterion/criterion.h
build|libjansson-dev|/usr/include/jansson.h
servers|rabbitmq-server|/usr/sbin/rabbitmq-server
servers|redis-server|redis-server
servers|postgresql|/usr/lib/postgresql/*/bin/initdb
servers|openssl|openssl
servers|curl|curl
servers|procps|ps
test|git|git
test|dpkg-dev|dpkg-shlibdeps
test|file|file
test|groff-base|groff
test|prometheus|prometheus
test|nodejs|node
test|pgbouncer|/usr/sbin/pgbouncer
test|clang-format-19|clang-format-19
test|clang-tidy-19|clang-tidy-19
test|shellcheck|shellcheck
test|prometheus|promtool
format|clang-format-19|clang-format-19
'

# packages_need SET…: installs what is missing of the sets, or says what to install and ends
packages_need() {
    packages_find_missing "$@"
    ((${#MISSING[@]})) || return 0
    if ! is_debian; then
        complain "missing here: ${MISSING[*]}"
        fail "$EXIT_UNREACHABLE" "these are Debian's names; on this system install what they hold, then try again"
    fi
    local as_root=()
    if ((EUID != 0)); then
        if ! command -v sudo >/dev/null; then
            fail "$EXIT_UNREACHABLE" "missing, and neither root nor sudo to install it: as root, run" \
                "apt-get install --no-install-recommends ${MISSING[*]}"
        fi
        as_root=(sudo)
    fi
    packages_install "${MISSING[@]}"
    packages_find_missing "$@"
    ((${#MISSING[@]} == 0)) ||
        fail "$EXIT_UNREACHABLE" "installed, and yet not found: ${MISSING[*]}; see build/dev/apt.log"
}

packages_find_missing() {
    local set package shows
    MISSING=()
    while IFS='|' read -r set package shows; do
        [[ -n $set && " $* " == *" $set "* ]] || continue
        is_there "$shows" || MISSING+=("$package")
    done <<<"$PACKAGES"
}

is_there() {
    case $1 in
    /*) compgen -G "$1" >/dev/null || compgen -G "/usr/local/${1#/usr/}" >/dev/null ;;
    *) command -v "$1" >/dev/null ;;
    esac
}

is_debian() {
    [[ -r /etc/os-release ]] && command -v apt-get >/dev/null || return 1
    # shellcheck source=/dev/null
    (source /etc/os-release && [[ ${ID:-} == debian && ${VERSION_ID:-} == 1[23] ]])
}

# packages_install PACKAGE…, with `as_root` set by the caller
packages_install() {
    local log=$ROOT/build/dev/apt.log started
    started=$(now_ms)
    mkdir -p "${log%/*}"
    : >>"$log" # ours, also where sudo writes to it
    say "installing what is missing: $*"
    hold_services
    apt_run "reading the lists" update ||
        complain "apt-get update failed; going on with the lists there are"
    if ! apt_run "installing" install -y --no-install-recommends "$@"; then
        show_end "$log" 20
        fail "$EXIT_UNREACHABLE" "apt-get could not install ${*}; mend what it says and try again"
    fi
    release_services
    hash -r
    say "installed in $(since "$started"); the log is build/dev/apt.log"
}

# apt_run WHAT ARGUMENT…: one apt-get, its own progress told in a few lines, its words in the log. The
# progress has a pipe to itself: apt makes it non-blocking, which the packages' scripts cannot bear. For
# dpkg's lock apt waits by itself; those of the lists and of the archives, which a system that has just
# started has in use, are waited for here.
apt_run() {
    local what=$1
    shift
    # shellcheck disable=SC2016 # for sh, which is root where this script is not
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive LC_ALL=C sh -c '
        log=$1
        shift
        tries=0
        while :; do
            said=$(wc -c <"$log")
            apt-get -q -o APT::Status-Fd=3 -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=600 "$@" \
                3>&1 </dev/null >>"$log" 2>&1 && exit 0
            status=$? tries=$((tries + 1))
            tail -c "+$((said + 1))" "$log" | grep -q "^E: Could not get lock" && [ "$tries" -lt 300 ] ||
                exit "$status"
            sleep 2
        done
    ' apt "$ROOT/build/dev/apt.log" "$@" | show_progress "$what"
}

# show_progress WHAT: reads apt's status lines
show_progress() {
    local kind percent rest tenth='' step
    while IFS=: read -r kind _ percent rest; do
        [[ $kind == dlstatus ]] && step=fetching || step=unpacking
        percent=${percent%%.*}
        if [[ -t 2 ]]; then
            printf '\r\e[K  %s: %s %d %% %s' "$1" "$step" "$percent" "${rest:0:50}" >&2
        elif [[ $step$((percent / 20)) != "$tenth" ]]; then
            tenth=$step$((percent / 20))
            say "  $1: $step $percent %"
        fi
    done
    [[ ! -t 2 ]] || printf '\r\e[K' >&2
}

readonly SERVICE_POLICY=/usr/sbin/policy-rc.d
SERVICE_POLICY_OURS=

# The servers' packages start theirs on the usual ports, where others may be at home: not now.
hold_services() {
    [[ ! -e $SERVICE_POLICY ]] || return 0
    SERVICE_POLICY_OURS=yes
    printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$SERVICE_POLICY" >/dev/null
    "${as_root[@]}" chmod 755 "$SERVICE_POLICY"
    local remove
    printf -v remove '%q ' "${as_root[@]}" rm -f "$SERVICE_POLICY"
    at_exit "[[ -z \$SERVICE_POLICY_OURS ]] || $remove"
}

release_services() {
    [[ -n $SERVICE_POLICY_OURS ]] || return 0
    "${as_root[@]}" rm -f "$SERVICE_POLICY"
    SERVICE_POLICY_OURS=
}
