# SPDX-License-Identifier: Apache-2.0
# cmake -DSOURCE=page.html -DMADE=page.c -DSYMBOL=page -P embed.cmake: a file as a C array.

file(READ ${SOURCE} bytes HEX)
string(REGEX REPLACE "(..)" "0x\\1," bytes "${bytes}")
string(REPEAT "....." 16 line)
string(REGEX REPLACE "(${line})" "\\1\n    " bytes "${bytes}")
cmake_path(GET SOURCE FILENAME name)
file(
  WRITE ${MADE}
  "/* Made from ${name}. */
#include <stddef.h>

extern const unsigned char ${SYMBOL}[];
extern const size_t ${SYMBOL}_bytes;
const unsigned char ${SYMBOL}[] = {
    ${bytes}
};
const size_t ${SYMBOL}_bytes = sizeof ${SYMBOL};
")
