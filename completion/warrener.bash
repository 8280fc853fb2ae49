# SPDX-License-Identifier: Apache-2.0
#
# Completion of warrener for bash. It knows no command and no flag by itself: it asks the very program
# that stands on the line, by `help` and `COMMAND --help`, and completes a value by what help calls it.
# shellcheck shell=bash

# Words of the list in $1 that begin with $2.
_warrener_words() { mapfile -t COMPREPLY < <(compgen -W "$1" -- "$2"); }

# What help calls the value of a flag or a word ($1), and what has been typed of it ($2).
_warrener_value() {
    case $1 in
    FILE)
        mapfile -t COMPREPLY < <(compgen -f -- "$2")
        compopt -o filenames 2>/dev/null
        ;;
    DIR)
        mapfile -t COMPREPLY < <(compgen -d -- "$2")
        compopt -o filenames 2>/dev/null
        ;;
    *.so)
        mapfile -t COMPREPLY < <(compgen -f -X '!*.so' -- "$2"; compgen -d -- "$2")
        compopt -o filenames 2>/dev/null
        ;;
    VERB)
        help=${help%%$'\n'*}
        help=${help#warrener * }
        help=${help%% *}
        _warrener_words "${help//|/ }" "$2"
        ;;
    QUEUE) _warrener_words "$(_warrener_queues)" "$2" ;;
    F=V) _warrener_words 'reason= code= detail= host= exchange= key=' "$2" && compopt -o nospace 2>/dev/null ;;
    esac
}

# The queues of the configuration that the line names.
_warrener_queues() {
    local i config=${WARRENER_CONFIG:-warrener.yaml}
    for ((i = 1; i < COMP_CWORD; i++)); do
        [[ ${COMP_WORDS[i]} != -c ]] || config=${COMP_WORDS[i + 1]}
    done
    sed -n 's/^[- {]*queue: *"\{0,1\}\([^" ,}#]*\).*/\1/p' "$config" 2>/dev/null
}

_warrener() {
    local program=${COMP_WORDS[0]} typed=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
    local help value words=() i n=0
    COMPREPLY=()
    if ((COMP_CWORD == 1)); then
        _warrener_words "$("$program" help 2>/dev/null | sed -n 's/^  \([a-z]*\) .*/\1/p')" "$typed"
        return
    fi
    # Of "  --flag VALUE   words" the flag and its value; of "  WORD   words" the word.
    help=$("$program" "${COMP_WORDS[1]}" --help 2>/dev/null) || return
    value=$'\n'${help#*$'\n'}
    if [[ $before == -* && $value == *$'\n'"  $before "[^\ ]* ]]; then
        value=${value#*$'\n'"  $before "}
        _warrener_value "${value%%[ $'\n']*}" "$typed"
        return
    fi
    if [[ $typed == -* ]]; then
        _warrener_words "$(sed -n '3,$s/^  \(-[^ ]*\).*/\1/p' <<<"$help") --help" "$typed"
        return
    fi
    # The next word that is not there yet; flags and their values are none.
    mapfile -t words < <(sed -n '3,$s/^  \([^- ][^ ]*\).*/\1/p' <<<"$help")
    for ((i = 2; i < COMP_CWORD; i++)); do
        if [[ ${COMP_WORDS[i]} != -* ]]; then
            n=$((n + 1))
        elif [[ $'\n'$help == *$'\n'"  ${COMP_WORDS[i]} "[^\ ]* ]]; then
            i=$((i + 1))
        fi
    done
    _warrener_value "${words[n]:-}" "$typed"
}

complete -F _warrener warrener
