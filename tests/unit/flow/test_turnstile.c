/* SPDX-License-Identifier: Apache-2.0
 *
 * Keys that are one's turn at a time. */
#include <criterion/criterion.h>

#include "base/check.h"
#include "flow/turnstile.h"

#define KEYS_MOST 4

struct visitor {
    int waits; /* for so many of its keys */
    struct ticket tickets[KEYS_MOST];
    unsigned n;
};

static void enter(struct turnstile *turnstile, struct visitor *visitor, const char *keys)
{
    for (const char *key = keys; *key; key++) {
        struct ticket *ticket = &visitor->tickets[visitor->n++];
        const enum turn turn = turnstile_enter(turnstile, ticket, 0, text_from(key, 1), visitor);
        visitor->waits += turn == TURN_WAITS;
    }
}

static void leave(struct turnstile *turnstile, struct visitor *visitor)
{
    for (unsigned i = 0; i < visitor->n; i++) {
        struct visitor *next = turnstile_leave(turnstile, &visitor->tickets[i]);
        if (next) next->waits--;
    }
    visitor->n = 0;
}

Test(turnstile, one_after_another_and_others_pass)
{
    struct turnstile turnstile;
    struct visitor a = { 0 }, b = { 0 }, c = { 0 }, d = { 0 };
    turnstile_init(&turnstile);
    enter(&turnstile, &a, "x");
    enter(&turnstile, &b, "x");
    enter(&turnstile, &c, "x");
    enter(&turnstile, &d, "y");
    cr_assert_eq(a.waits, 0);
    cr_assert_eq(b.waits, 1);
    cr_assert_eq(c.waits, 1);
    cr_assert_eq(d.waits, 0, "what waits for x holds up nobody else");
    cr_assert(turnstile_has_next(&a.tickets[0]));
    cr_assert(!turnstile_has_next(&c.tickets[0]));
    cr_assert(!turnstile_has_next(&d.tickets[0]));
    leave(&turnstile, &a);
    cr_assert_eq(b.waits, 0);
    cr_assert_eq(c.waits, 1);
    leave(&turnstile, &b);
    cr_assert_eq(c.waits, 0);
    leave(&turnstile, &c);
    leave(&turnstile, &d);
    turnstile_fini(&turnstile);
}

Test(turnstile, who_gives_up_lets_nobody_in)
{
    struct turnstile turnstile;
    struct visitor a = { 0 }, b = { 0 }, c = { 0 };
    turnstile_init(&turnstile);
    enter(&turnstile, &a, "x");
    enter(&turnstile, &b, "x");
    enter(&turnstile, &c, "x");
    leave(&turnstile, &b);
    cr_assert_eq(c.waits, 1, "a is still there");
    leave(&turnstile, &a);
    cr_assert_eq(c.waits, 0);
    leave(&turnstile, &c);
    leave(&turnstile, &c);
    turnstile_fini(&turnstile);
}

Test(turnstile, several_keys_and_the_same_twice)
{
    struct turnstile turnstile;
    struct visitor a = { 0 }, b = { 0 }, c = { 0 };
    turnstile_init(&turnstile);
    enter(&turnstile, &a, "xyx");
    cr_assert_eq(a.waits, 0, "nobody waits for itself");
    enter(&turnstile, &b, "yz");
    enter(&turnstile, &c, "zx");
    cr_assert_eq(b.waits, 1);
    cr_assert_eq(c.waits, 2);
    leave(&turnstile, &a);
    cr_assert_eq(b.waits, 0);
    cr_assert_eq(c.waits, 1);
    leave(&turnstile, &b);
    cr_assert_eq(c.waits, 0);
    leave(&turnstile, &c);
    turnstile_fini(&turnstile);
}

Test(turnstile, domains_do_not_meet)
{
    struct turnstile turnstile;
    struct ticket a, b, c;
    turnstile_init(&turnstile);
    cr_assert_eq(turnstile_enter(&turnstile, &a, 0, text_of("x"), &a), TURN_FIRST);
    cr_assert_eq(turnstile_enter(&turnstile, &b, 1, text_of("x"), &b), TURN_FIRST);
    cr_assert_eq(turnstile_enter(&turnstile, &c, 1, text_of("x"), &c), TURN_WAITS);
    cr_assert_null(turnstile_leave(&turnstile, &a));
    cr_assert_eq(turnstile_leave(&turnstile, &b), &c);
    cr_assert_null(turnstile_leave(&turnstile, &c));
    turnstile_fini(&turnstile);
}

/* Whatever keys they want and in whatever order they leave, somebody can always go, and all of a key go
 * in the order they came. */
Test(turnstile, nobody_waits_in_a_circle)
{
    enum { VISITORS = 60 };
    static struct visitor visitors[VISITORS];
    for (uint64_t seed = 1; seed <= 300; seed++) {
        struct turnstile turnstile;
        uint64_t dice = seed;
        unsigned last_of_key[6] = { 0 };
        static char wants[VISITORS][KEYS_MOST];
        memset(visitors, 0, sizeof visitors);
        memset(wants, 0, sizeof wants);
        turnstile_init(&turnstile);
        for (unsigned i = 0; i < VISITORS; i++) {
            for (unsigned k = 0; k < KEYS_MOST - 1; k++) {
                dice = dice * 6364136223846793005u + 1442695040888963407u;
                wants[i][k] = (char)('a' + (dice >> 33) % 6);
            }
            enter(&turnstile, &visitors[i], wants[i]);
        }
        for (unsigned left = VISITORS; left; left--) {
            unsigned free[VISITORS], n = 0;
            for (unsigned i = 0; i < VISITORS; i++)
                if (visitors[i].n && !visitors[i].waits) free[n++] = i;
            cr_assert(n > 0, "seed %llu: all wait", (unsigned long long)seed);
            dice = dice * 6364136223846793005u + 1442695040888963407u;
            const unsigned i = free[(dice >> 33) % n];
            for (unsigned k = 0; k < KEYS_MOST - 1; k++) {
                cr_assert_leq(last_of_key[wants[i][k] - 'a'], i);
                last_of_key[wants[i][k] - 'a'] = i;
            }
            leave(&turnstile, &visitors[i]);
        }
        turnstile_fini(&turnstile);
    }
}
