# SPDX-License-Identifier: Apache-2.0
#
# Reads CTest's LastTest.log. Prints the sums of what the programs say they tested: "tested passing
# failing crashing"; with -v show=1 the output of those that failed instead. A program that says
# nothing counts as one test, but for one that only passes over itself; one that fails without a failing
# test has crashed at its end, and so has one that is not there.

function begin() {
    lines = p = f = c = 0
    said = passed_over = 0
    is_missing = cannot_be_found
    cannot_be_found = 0
}

function number(word,    at) {
    at = index($0, word ": ")
    return at ? substr($0, at + length(word) + 2) + 0 : 0
}

function finish(passed,    i) {
    passed = passed && !is_missing
    if (!said && passed && !passed_over) p = 1
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
/^Unable to find executable/ { cannot_be_found = 1 }
/^passed over: / { passed_over = 1 }
/\[====\].*Passing: / {
    said = 1
    p = number("Passing")
    f = number("Failing")
    c = number("Crashing")
}
/^Test (Passed|Failed)\./ || /^Test timeout/ { finish($2 == "Passed.") }
{ output[++lines] = $0 }

END { if (!show) print passing + failing + crashing, passing + 0, failing + 0, crashing + 0 }
