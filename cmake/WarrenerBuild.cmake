# SPDX-License-Identifier: Apache-2.0
# How everything of ours is compiled, and what a room is.

option(WARRENER_WERROR "Warnings are errors" OFF)
set(WARRENER_SANITIZE "" CACHE STRING "Sanitizers, as in -fsanitize= (address,undefined or thread)")

add_library(warrener_flags INTERFACE)
target_compile_options(
  warrener_flags
  INTERFACE -Wall -Wextra -Wshadow -Wconversion -fno-common $<$<BOOL:${WARRENER_WERROR}>:-Werror>
            $<$<COMPILE_LANGUAGE:C>:-Wstrict-prototypes;-Wmissing-prototypes>)
target_compile_definitions(warrener_flags INTERFACE _GNU_SOURCE)
if(WARRENER_SANITIZE)
  target_compile_options(warrener_flags INTERFACE -fsanitize=${WARRENER_SANITIZE}
                                                  -fno-omit-frame-pointer
                                                  -fno-sanitize-recover=all)
  target_link_options(warrener_flags INTERFACE -fsanitize=${WARRENER_SANITIZE})
endif()

# warrener_room(flow USES plugin amqp net metrics base LIBRARIES libevent): every .c in framework/flow,
# as a static library that sees only the rooms it names. Rooms name only rooms above them.
function(warrener_room name)
  cmake_parse_arguments(ROOM "" "" "USES;LIBRARIES" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${name}/*.c)
  if(NOT sources)
    return()
  endif()
  add_library(room_${name} STATIC ${sources})
  set_target_properties(room_${name} PROPERTIES POSITION_INDEPENDENT_CODE ON)
  target_include_directories(room_${name} PUBLIC ${CMAKE_CURRENT_SOURCE_DIR})
  target_link_libraries(room_${name} PUBLIC warrener_headers PRIVATE warrener_flags)
  foreach(used IN LISTS ROOM_USES)
    if(TARGET room_${used})
      target_link_libraries(room_${name} PUBLIC room_${used})
    endif()
  endforeach()
  target_link_libraries(room_${name} PUBLIC ${ROOM_LIBRARIES})
endfunction()

# warrener_asset(ops index.html): framework/ops/assets/index.html within the room's library, as
# `const unsigned char asset_index_html[]` and `const size_t asset_index_html_bytes`.
function(warrener_asset room file)
  string(MAKE_C_IDENTIFIER asset_${file} symbol)
  warrener_embed(${room} ${symbol} OFF ${CMAKE_CURRENT_SOURCE_DIR}/${room}/assets/${file})
endfunction()

# warrener_assets(store own_migrations a.sql b.sql): files within the room's library, as
# `const struct asset own_migrations[]` (base/asset.h).
function(warrener_assets room symbol)
  warrener_embed(${room} ${symbol} ON ${ARGN})
endfunction()

function(warrener_embed room symbol is_table)
  set(target room_${room})
  if(room STREQUAL "app") # the ground of the house: no library, the program itself
    set(target warrener)
  endif()
  if(NOT TARGET ${target})
    return()
  endif()
  set(made ${CMAKE_CURRENT_BINARY_DIR}/${room}_${symbol}.c)
  set(script ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/embed.cmake)
  add_custom_command(
    OUTPUT ${made}
    COMMAND ${CMAKE_COMMAND} "-DSOURCES=${ARGN}" -DMADE=${made} -DSYMBOL=${symbol}
            -DIS_TABLE=${is_table} -P ${script}
    DEPENDS ${ARGN} ${script}
    VERBATIM)
  target_sources(${target} PRIVATE ${made})
endfunction()
