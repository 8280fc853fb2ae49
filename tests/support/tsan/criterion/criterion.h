/* SPDX-License-Identifier: Apache-2.0
 *
 * Stands in for Criterion under ThreadSanitizer, whose memory map leaves no room for the arena that
 * Criterion hands to its children. The part of its interface that our tests use: tests and suites
 * with timeout, init and fini, and the cr_assert family. One child a test, as there. */
#ifndef CRITERION_CRITERION_H
#define CRITERION_CRITERION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct tsan_test_extra {
    double timeout; /* seconds; 0: as long as the runner says */
    void (*init)(void), (*fini)(void);
    int signal;    /* the one that is to end it; 0: none */
    int exit_code; /* the one it is to exit with */
    bool disabled;
    const char *description;
};

struct tsan_test {
    const char *suite, *name;
    void (*run)(void); /* NULL: defaults for a suite */
    struct tsan_test_extra extra;
    struct tsan_test *next;
};

void tsan_test_register(struct tsan_test *test);
_Noreturn void tsan_test_fail(const char *file, int line, const char *what, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

#define TSAN_REGISTER(id, suite_name, test_name, function, ...)                                    \
    __attribute__((constructor)) static void id##_register(void)                                   \
    {                                                                                              \
        static struct tsan_test test = { .suite = suite_name,                                      \
                                         .name = test_name,                                        \
                                         .run = function,                                          \
                                         .extra = { .description = NULL, __VA_ARGS__ } };          \
        tsan_test_register(&test);                                                                 \
    }

#define Test(suite, name, ...)                                                                     \
    static void suite##_##name##_impl(void);                                                       \
    TSAN_REGISTER(suite##_##name, #suite, #name, suite##_##name##_impl, __VA_ARGS__)               \
    static void suite##_##name##_impl(void)

#define TestSuite(suite, ...) TSAN_REGISTER(suite, #suite, "", NULL, __VA_ARGS__)

#define cr_assert(condition, ...)                                                                  \
    ((condition) ? (void)0 : tsan_test_fail(__FILE__, __LINE__, #condition, " " __VA_ARGS__))
#define cr_fail(...) tsan_test_fail(__FILE__, __LINE__, "never here", " " __VA_ARGS__)
#define cr_assert_fail(...) cr_fail(__VA_ARGS__)
#define cr_assert_not(condition, ...) cr_assert(!(condition), __VA_ARGS__)
#define cr_assert_eq(a, b, ...) cr_assert((a) == (b), __VA_ARGS__)
#define cr_assert_neq(a, b, ...) cr_assert((a) != (b), __VA_ARGS__)
#define cr_assert_lt(a, b, ...) cr_assert((a) < (b), __VA_ARGS__)
#define cr_assert_leq(a, b, ...) cr_assert((a) <= (b), __VA_ARGS__)
#define cr_assert_gt(a, b, ...) cr_assert((a) > (b), __VA_ARGS__)
#define cr_assert_geq(a, b, ...) cr_assert((a) >= (b), __VA_ARGS__)
#define cr_assert_null(a, ...) cr_assert((a) == NULL, __VA_ARGS__)
#define cr_assert_not_null(a, ...) cr_assert((a) != NULL, __VA_ARGS__)
#define cr_assert_str_eq(a, b, ...) cr_assert(strcmp(a, b) == 0, __VA_ARGS__)
#define cr_assert_str_neq(a, b, ...) cr_assert(strcmp(a, b) != 0, __VA_ARGS__)
#define cr_assert_str_empty(a, ...) cr_assert(*(a) == 0, __VA_ARGS__)
#define cr_assert_arr_eq(a, b, bytes, ...) cr_assert(memcmp(a, b, bytes) == 0, __VA_ARGS__)
#define cr_assert_arr_neq(a, b, bytes, ...) cr_assert(memcmp(a, b, bytes) != 0, __VA_ARGS__)
#define cr_assert_float_eq(a, b, within, ...)                                                      \
    cr_assert((a) - (b) <= (within) && (b) - (a) <= (within), __VA_ARGS__)
/* One failed expectation ends the test here. */
#define cr_expect(...) cr_assert(__VA_ARGS__)
#define cr_expect_not(...) cr_assert_not(__VA_ARGS__)
#define cr_expect_eq(...) cr_assert_eq(__VA_ARGS__)
#define cr_expect_neq(...) cr_assert_neq(__VA_ARGS__)
#define cr_expect_lt(...) cr_assert_lt(__VA_ARGS__)
#define cr_expect_leq(...) cr_assert_leq(__VA_ARGS__)
#define cr_expect_gt(...) cr_assert_gt(__VA_ARGS__)
#define cr_expect_geq(...) cr_assert_geq(__VA_ARGS__)
#define cr_expect_null(...) cr_assert_null(__VA_ARGS__)
#define cr_expect_not_null(...) cr_assert_not_null(__VA_ARGS__)
#define cr_expect_str_eq(...) cr_assert_str_eq(__VA_ARGS__)
#define cr_expect_str_neq(...) cr_assert_str_neq(__VA_ARGS__)
#define cr_expect_arr_eq(...) cr_assert_arr_eq(__VA_ARGS__)
#define cr_expect_arr_neq(...) cr_assert_arr_neq(__VA_ARGS__)
#define cr_expect_str_empty(...) cr_assert_str_empty(__VA_ARGS__)
#define cr_skip_test(...) return /* from the test's own function */
#define cr_log_info(...) ((void)printf(__VA_ARGS__))

#endif
