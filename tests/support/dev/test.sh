# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# `dev test`: one stage after another, a line each; all of them run even when one has failed. The
# programs are what CTest knows, so a new one is picked up by being built. The last line sums all
# of them up in the words of Criterion.

# stage|what it is
readonly STAGES='
format|every C source is formatted
layering|rooms, doors, headers, SPDX lines
shell|shellcheck over every script
build|the asan preset, warnings are errors
unit|unit tests under AddressSanitizer and UndefinedBehaviorSanitizer
more|plugins, fuzzing and the like
tsan|unit tests under ThreadSanitizer
tidy|clang-tidy over framework and workers
install|installed, packaged, and used by projects outside
integration|against private servers
'

export ASAN_OPTIONS=detect_leaks=1:abort_on_error=0:exitcode=99:strict_string_checks=1:detect_stack_use_after_return=1
export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
export TSAN_OPTIONS=halt_on_error=1:exitcode=99:second_deadlock_stack=1

FILTER=
TALLY=(0 0 0 0) # tested, passing, failing, crashing

command_test() {
    local name about failed=() started
    FILTER=${1:-}
    started=$(now_ms)
    packages_need build servers test
    mkdir -p "$LOGS"
    while IFS='|' read -r name about; do
        if [[ -z $name ]] || ! is_wanted "$name"; then continue; fi
        run_stage "$name" "$about" || failed+=("$name")
        [[ ${failed[*]} != *build* ]] || break
    done <<<"$STAGES"
    if [[ -z $FILTER ]] && ((TALLY[0] == 0)); then failed+=('no test ran'); fi
    ((${#failed[@]} == 0)) || say "failed: ${failed[*]}"
    say "all of it took $(since "$started")"
    printf '[====] Synthesis: Tested: %d | Passing: %d | Failing: %d | Crashing: %d\n' "${TALLY[@]}"
    ((${#failed[@]} == 0)) || exit "$EXIT_FAILED"
}

# A filter names stages or programs; which programs there are is known when they are built.
is_wanted() {
    [[ -z $FILTER || $1 =~ $FILTER ]] && return
    case $1 in
    build | unit | more | tsan | integration) ! is_a_stage "$FILTER" ;;
    *) return 1 ;;
    esac
}

# is_a_stage FILTER: it is one, or several as in format|shell
is_a_stage() {
    local names name
    IFS='|' read -ra names <<<"$1"
    for name in "${names[@]}"; do
        [[ $STAGES == *$'\n'"$name|"* ]] || return 1
    done
}

run_stage() {
    local name=$1 about=$2 status=0 started
    started=$(now_ms)
    say "== $name: $about"
    "stage_$name" "$LOGS/$name.log" || status=$?
    if ((status == 0)); then
        say "   well, $(since "$started")"
    else
        say "   FAILED, $(since "$started")"
    fi
    return "$status"
}

# logged LOG COMMAND…: its words go to LOG, and their end to people where it fails
logged() {
    local log=$1
    shift
    await "$@" >"$log" 2>&1 && return
    show_end "$log" 40
    return 1
}

stage_format() { logged "$1" "$ROOT/dev" fmt --check; }

stage_layering() { logged "$1" layering_and_its_test; }
layering_and_its_test() { tests/support/layering_test && tests/support/layering; }

stage_shell() {
    local scripts=()
    mapfile -d '' scripts < <(shell_scripts)
    logged "$1" shellcheck -x "${scripts[@]}"
}

shell_scripts() {
    local file first
    while IFS= read -r -d '' file; do
        first=
        IFS= read -rn 19 first <"$file" || true
        [[ $file != *.sh && $first != '#!/usr/bin/env bash' && $first != '#!/bin/'*sh ]] ||
            printf '%s\0' "$file"
    done < <(find . -path './build*' -prune -o -path ./.git -prune -o -type f -print0)
}

stage_build() { build asan; }
stage_unit() { programs asan "$1" '^unit_'; }
stage_more() { programs asan "$1" '^(?!unit_|integration|faults)'; }
stage_install() { build asan && logged "$1" install_and_packages; }
install_and_packages() { tests/install/run "$ROOT/build/asan" && tests/package/run "$ROOT/build/asan"; }

stage_tsan() { build tsan && programs tsan "$1" '^unit_'; }

stage_integration() {
    local status=0 names
    names=$(program_names asan '^(integration|faults)_') || return
    [[ -z $names ]] || servers_start
    export WARRENER_BIN=$ROOT/build/asan/warrener WARRENER_WORKERS=$ROOT/build/asan/workers
    programs asan "$1" '^(integration|faults)_' || status=$?
    servers_stop
    return "$status"
}

# A file that was found clean is not looked at again until it, a header or the checks change.
stage_tidy() {
    local common key file kept=build/dev/tidy work=()
    mkdir -p "$kept"
    build asan || return # it reads the compile commands, and headers that are made
    common=$(find framework include -name '*.h' | LC_ALL=C sort | xargs cat .clang-tidy | sha256sum)
    while IFS= read -r -d '' file; do
        key=$(printf '%s' "$common" | cat - "$file" | sha256sum)
        [[ -e $kept/${key%% *} ]] || work+=("$file" "$kept/${key%% *}")
    done < <(find framework workers -name '*.c' ! -name 'test_*' -print0)
    ((${#work[@]})) || return 0
    say "   $((${#work[@]} / 2)) files to look at"
    await tidy_each "${work[@]}" >"$1" 2>&1 && return
    grep -E '(error|warning): ' "$1" | sort -u >"$1.faults"
    show_end "$1.faults" 100
    return 1
}

# tidy_each FILE MARK…
tidy_each() {
    # shellcheck disable=SC2016 # for sh
    printf '%s\0' "$@" | xargs -0 -n 2 -P "$(nproc)" \
        sh -c '"$0" -p build/asan --quiet "$1" 2>/dev/null && : >"$2"' "$CLANG_TIDY"
}

# program_names PRESET PATTERN: those CTest knows by such names, and the filter wants, as a pattern
# for it; nothing where there is none
program_names() {
    # shellcheck disable=SC2016 # for sed
    ctest --test-dir "build/$1" -N | sed -n 's/^ *Test *#[0-9]*: //p' | { grep -P -e "$2" || true; } |
        matching_filter | sed 's/[][*.+?^$(){}|\\]/\\&/g' | paste -sd '|'
}

# programs PRESET LOG PATTERN: runs them and adds them up
programs() {
    local preset=$1 log=$2 names status=0 counted i
    names=$(program_names "$preset" "$3") || return
    if [[ -z $names ]]; then
        say '   no such programs'
        [[ -n $FILTER ]] # without one, they have been lost
        return
    fi
    await ctest_telling "build/$preset" "^($names)\$" || status=$?
    cp "build/$preset/Testing/Temporary/LastTest.log" "$log"
    read -ra counted <<<"$(awk -f tests/support/dev/tally.awk "$log")"
    for i in 0 1 2 3; do TALLY[i]=$((TALLY[i] + counted[i])); done
    say "   tested ${counted[0]}, failing ${counted[2]}, crashing ${counted[3]}"
    ((status == 0 && counted[2] == 0 && counted[3] == 0)) && return
    awk -v show=1 -f tests/support/dev/tally.awk "$log" | sed 's/^/    | /' >&2
    say "    (all of it: ${log#"$ROOT"/})"
    return 1
}

matching_filter() {
    if [[ -z $FILTER ]] || is_a_stage "$FILTER"; then cat; else grep -E -e "$FILTER" || true; fi
}

# ctest_telling DIRECTORY PATTERN: a line for each program as it ends. They mostly wait, so there is one more
# at a time than processors.
ctest_telling() {
    local without_aslr=() at_once=$(($(nproc) + 1))
    if setarch -R true 2>/dev/null; then without_aslr=(setarch -R); fi # ThreadSanitizer's wish
    "${without_aslr[@]}" ctest --test-dir "$1" -R "$2" --timeout 600 --parallel "$at_once" 2>&1 |
        grep -E --line-buffered '^ *[0-9]+/[0-9]+ Test' | sed -u 's/^ */   /' >&2
}
