# SPDX-License-Identifier: Apache-2.0
# Today's handler.h as a later minor version might be: a member more at the end of every struct that may
# grow, and a function more at the end of the table.

BEGIN {
    member = "    const char *later WR_UNSET;"
    more["wr_message"] = "    struct wr_text later;"
    more["wr_api"] = "    void (*later)(struct wr_job *);"
    more["wr_handler"] = "    void (*later)(void *self) WR_UNSET;"
    more["wr_column"] = more["wr_sink"] = more["wr_loader"] = more["wr_option"] = member
    more["wr_counter"] = more["wr_outgoing"] = member
}
/^struct wr_[a-z]+ \{$/ { within = $2 }
/^};/ && within {
    if (within in more) {
        print more[within]
        delete more[within]
    }
    within = ""
}
{ print }
END {
    for (name in more) {
        print "tests/abi: struct " name " was not found" > "/dev/stderr"
        exit 1
    }
}
