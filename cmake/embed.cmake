# SPDX-License-Identifier: Apache-2.0
# cmake -DSOURCES=page.html -DMADE=page.c -DSYMBOL=page -DIS_TABLE=OFF -P embed.cmake: a file as a C
# array; with IS_TABLE several, behind a table of their names (base/asset.h).

function(read_bytes source out)
  file(READ ${source} bytes HEX)
  string(REGEX REPLACE "(..)" "0x\\1," bytes "${bytes}")
  string(REPEAT "....." 16 line)
  string(REGEX REPLACE "(${line})" "\\1\n    " bytes "${bytes}")
  set(${out} "${bytes}" PARENT_SCOPE)
endfunction()

if(IS_TABLE)
  set(n 0)
  foreach(source IN LISTS SOURCES)
    read_bytes(${source} bytes)
    cmake_path(GET source FILENAME name)
    string(APPEND arrays "static const unsigned char file_${n}[] = {\n    ${bytes}\n};\n")
    string(APPEND entries
           "    { \"${name}\", { (const char *)file_${n}, sizeof file_${n} } },\n")
    math(EXPR n "${n} + 1")
  endforeach()
  file(
    WRITE ${MADE}
    "/* Made from files of this repository. */
#include \"base/asset.h\"

extern const struct asset ${SYMBOL}[];
${arrays}const struct asset ${SYMBOL}[] = {
${entries}    { NULL, { NULL, 0 } },
};
")
else()
  read_bytes(${SOURCES} bytes)
  cmake_path(GET SOURCES FILENAME name)
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
endif()
