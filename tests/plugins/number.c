/* SPDX-License-Identifier: Apache-2.0
 *
 * The right symbol, but it is no handler. */
extern const int warrener_handler;
const int warrener_handler = 1;
