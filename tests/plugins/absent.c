/* SPDX-License-Identifier: Apache-2.0
 *
 * What `needy` needs, and the host will not find. */
int absent(void);
int absent(void)
{
    return 1;
}
