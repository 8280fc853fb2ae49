/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of promises, line by line. */
#include <criterion/criterion.h>
#include <string.h>

#include "store/sqlstate.h"

Test(sqlstate, classes)
{
    static const struct {
        const char *sqlstate;
        enum fault_class fault;
    } cases[] = {
        { "00000", FAULT_NONE },       { "22003", FAULT_DATA },       { "22P02", FAULT_DATA },
        { "23505", FAULT_DATA },       { "23514", FAULT_DATA },       { "23503", FAULT_PARENT },
        { "44000", FAULT_DATA },       { "54001", FAULT_DATA },       { "P0001", FAULT_DATA },
        { "21000", FAULT_DATA },       { "XX000", FAULT_DATA },       { "40001", FAULT_TRANSIENT },
        { "40P01", FAULT_TRANSIENT },  { "40002", FAULT_DATA },       { "55P03", FAULT_TRANSIENT },
        { "55006", FAULT_DATA },       { "57014", FAULT_TRANSIENT },  { "57P01", FAULT_TRANSIENT },
        { "57P03", FAULT_TRANSIENT },  { "53100", FAULT_SERVER },     { "53300", FAULT_SERVER },
        { "08006", FAULT_TRANSIENT },  { "25006", FAULT_TRANSIENT },  { "25P02", FAULT_DATA },
        { "25P03", FAULT_TRANSIENT },  { "53200", FAULT_TRANSIENT },  { "58030", FAULT_SERVER },
        { "", FAULT_TRANSIENT },       { "42P01", FAULT_DEPLOYMENT }, { "42501", FAULT_DEPLOYMENT },
        { "28P01", FAULT_DEPLOYMENT }, { "3D000", FAULT_DEPLOYMENT }, { "26000", FAULT_DEPLOYMENT },
        { NULL, FAULT_TRANSIENT },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        cr_expect_eq(sqlstate_class(cases[i].sqlstate), cases[i].fault, "%s is %s",
                     cases[i].sqlstate, fault_class_name(sqlstate_class(cases[i].sqlstate)));
}

Test(sqlstate, names)
{
    cr_expect_str_eq(fault_class_name(FAULT_NONE), "none");
    cr_expect_str_eq(fault_class_name(FAULT_DEPLOYMENT), "deployment");
}

/* What is the server's own is told apart from a row's, and from each other. */
Test(sqlstate, ways_out)
{
    static const char *const cases[][2] = {
        { "53100", "disk is full" },      { "53300", "max_connections" }, { "53200", "no memory" },
        { "58030", "its own files" },     { "58P01", "its own files" },   { "25006", "standby" },
        { "28P01", "user and password" }, { "28000", "pg_hba.conf" },     { "3D000", "createdb" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        cr_expect(strstr(sqlstate_way_out(cases[i][0]), cases[i][1]), "%s", cases[i][0]);
    cr_expect_str_eq(sqlstate_way_out("23505"), "");
    cr_expect_str_eq(sqlstate_way_out(""), "");
}
