# SPDX-License-Identifier: Apache-2.0
#
# Reads CTest's LastTest.log. Prints the sums of what the programs say they tested: "tested passing
# failing crashing"; with -v show=1 the output of those that failed instead. A program that says
# nothing counts as one test; one that fails without a failing test has crashed at its end.

function begin() {
    lines = p = f = c = 0
    said = 0
}

function number(word,    at) {
    at = index($0, word ": ")
    return at ? substr($0, at + length(word) + 2) + 0 : 0
}

function finish(passed,    i) {
    if (!said && passed) p = 1
    if (!passed && f + c == 0) c = 1
    passing += p
    failing += f
    crashing += c
    if (show && f + c > 0) {
        print "---- " name
        for (i = lines > 60 ? lines - 59 : 1; i <= lines; i++) print output[i]
    }
}

/^[0-9]+\/[0-9]+ Test: / {
    name = $3
    begin()
}
/\[====\].*Passing: / {
    said = 1
    p = number("Passing")
    f = number("Failing")
    c = number("Crashing")
}
/^Test (Passed|Failed)\./ || /^Test timeout/ { finish($2 == "Passed.") }
{ output[++lines] = $0 }

END { if (!show) print passing + failing + crashing, passing + 0, failing + 0, crashing + 0 }
