/* SPDX-License-Identifier: Apache-2.0
 *
 * What handlers and their tests include, in C++ of any standard, without a word from -Wpedantic. */
#include <warrener/handler.h>
#include <warrener/testing.h>

wr_text literal();
wr_text literal()
{
    return WR_TEXT_OF("text");
}
