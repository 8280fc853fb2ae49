# SPDX-License-Identifier: Apache-2.0
#
# Takes a document's fenced blocks apart: block N goes to the file DIR/N, its line and what stands behind
# its opening fence to DIR/list as "N line words". An indented block loses its indentation.

/^ *```/ {
    if (!inside) {
        indent = match($0, /`/) - 1
        sub(/^ *```/, "")
        printf "%d %d %s\n", ++n, NR, $0 > (dir "/list")
        file = dir "/" n
        printf "" > file
        inside = 1
    } else {
        close(file)
        inside = 0
    }
    next
}
inside { print substr($0, match($0, /[^ ]/) > indent ? indent + 1 : (match($0, /[^ ]/) ? RSTART : 1)) > file }
