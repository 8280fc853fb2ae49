/* SPDX-License-Identifier: Apache-2.0
 *
 * A library without the symbol. */
void silent(void);
void silent(void)
{
}
