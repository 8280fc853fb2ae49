# SPDX-License-Identifier: Apache-2.0
# warrener::testing, what handlers' own tests link (<warrener/testing.h>): one object made of what a
# trial needs of the rooms, in which nothing but wr_trial_… is to be seen, so that no name of ours meets
# one of the handler's. It needs libc alone.

set(testing_rooms plugin store amqp metrics base)
set(testing_archives ${testing_rooms})
list(TRANSFORM testing_archives REPLACE "(.+)" "$<TARGET_FILE:room_\\1>")
list(TRANSFORM testing_rooms PREPEND room_)
set(testing_object ${CMAKE_CURRENT_BINARY_DIR}/warrener_testing.o)

add_custom_command(
  OUTPUT ${testing_object}
  COMMAND ${CMAKE_C_COMPILER} -r -nostdlib -o ${testing_object} -Wl,-u,wr_trial_open
          -Wl,-u,wr_trial_rows -Wl,--start-group ${testing_archives} -Wl,--end-group
  COMMAND ${CMAKE_OBJCOPY} --wildcard --keep-global-symbol=wr_trial_* ${testing_object}
  DEPENDS ${testing_rooms}
  VERBATIM)
add_library(warrener_testing STATIC ${testing_object})
set_target_properties(warrener_testing PROPERTIES LINKER_LANGUAGE C)
set_source_files_properties(${testing_object} PROPERTIES EXTERNAL_OBJECT ON GENERATED ON)
target_link_libraries(warrener_testing INTERFACE warrener_headers)
if(WARRENER_SANITIZE)
  target_link_options(warrener_testing INTERFACE -fsanitize=${WARRENER_SANITIZE})
endif()
add_library(warrener::testing ALIAS warrener_testing)
