/* SPDX-License-Identifier: Apache-2.0
 *
 * The sample with ten mistakes: all of them in one go, word for word. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "unit/config/config_test.h"

Test(sample, ten_mistakes_are_told_in_one_go)
{
    char *yaml = read_sample("broken.yaml"), *expected = read_sample("broken.txt");
    char *told = faults_of(yaml, NULL);
    cr_assert_str_eq(told, expected, "told:\n%s", told);
    size_t lines = 0;
    for (const char *c = told; *c; c++) lines += *c == '\n';
    cr_assert_eq(lines, 10);
    free(told);
    free(expected);
    free(yaml);
}
