/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of promises, line by line. */
#include <criterion/criterion.h>

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
