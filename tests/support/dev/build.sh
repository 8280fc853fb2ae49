# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# Configuring, building and formatting. One version of clang-format and clang-tidy is used
# everywhere, the newest that Debian 12 and 13 both have: each version formats a little differently.

# shellcheck disable=SC2034 # test.sh tidies
readonly CLANG_FORMAT=clang-format-19 CLANG_TIDY=clang-tidy-19

command_build() {
    packages_need build
    build "$@"
    say "built: build/${1:-release}"
}

# build [PRESET] [TARGET…]
build() {
    local preset=${1:-release} log=$LOGS/configure-${1:-release}.log launcher=()
    shift || true
    [[ $preset =~ ^(release|dev|asan|tsan)$ ]] ||
        fail "$EXIT_USAGE" "there is no preset \`$preset\`; there are release, dev, asan, tsan"
    mkdir -p "$LOGS"
    ! command -v ccache >/dev/null || launcher=(-DCMAKE_C_COMPILER_LAUNCHER=ccache)
    if ! await cmake --preset "$preset" "${launcher[@]}" >"$log" 2>&1; then
        show_end "$log"
        complain "cmake --preset $preset failed"
        return "$EXIT_FAILED"
    fi
    export NINJA_STATUS="   $preset [%f/%t] "
    if [[ -t 2 ]]; then # ninja tells its progress in one line
        await ninja -C "build/$preset" "$@" >&2 && return
    else
        log=$LOGS/build-$preset.log
        await ninja -C "build/$preset" "$@" >"$log" 2>&1 && return
        grep -v '^ *[a-z]* \[[0-9]*/[0-9]*\] [BLG]' "$log" >"$log.faults" || true
        show_end "$log.faults" 60
    fi
    complain "the $preset build failed"
    return "$EXIT_FAILED"
}

# Every C source of ours, NUL-terminated.
c_sources() {
    find framework workers include tests docs -name '*.[ch]' -print0 2>/dev/null
}

command_fmt() {
    packages_need format
    case ${1:-} in
    '') c_sources | xargs -0 "$CLANG_FORMAT" -i --style=file ;;
    --check)
        c_sources | xargs -0 "$CLANG_FORMAT" --dry-run -Werror --style=file ||
            fail "$EXIT_FAILED" 'not formatted; ./dev fmt mends it'
        ;;
    *) fail "$EXIT_USAGE" 'usage: ./dev fmt [--check]' ;;
    esac
}
