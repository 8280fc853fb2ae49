# SPDX-License-Identifier: Apache-2.0
# warrener_add_handler(NAME source…): a plugin NAME.so, built as the host wants to find it.
# warrener_add_test(NAME source… [LIBRARIES library…]): a program test_NAME, and a test of that name, of
# the handler's sources and these, with <warrener/testing.h>.

function(warrener_add_handler name)
  add_library(${name} MODULE ${ARGN})
  set_target_properties(${name} PROPERTIES PREFIX "" C_VISIBILITY_PRESET hidden
                                           CXX_VISIBILITY_PRESET hidden)
  if(TARGET warrener_headers)
    target_link_libraries(${name} PRIVATE warrener_headers warrener_flags)
    set_target_properties(${name} PROPERTIES LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/workers)
  else()
    target_link_libraries(${name} PRIVATE warrener::headers)
  endif()
  # The host refuses what others than its owner may write; a umask of 002 would leave just that.
  add_custom_command(TARGET ${name} POST_BUILD VERBATIM
                     COMMAND chmod go-w $<TARGET_FILE:${name}> $<TARGET_FILE_DIR:${name}>)
endfunction()

function(warrener_add_test name)
  cmake_parse_arguments(TEST "" "" "LIBRARIES" ${ARGN})
  get_target_property(sources ${name} SOURCES)
  get_target_property(libraries ${name} LINK_LIBRARIES)
  add_executable(test_${name} ${sources} ${TEST_UNPARSED_ARGUMENTS})
  target_link_libraries(test_${name} PRIVATE warrener::testing ${libraries} ${TEST_LIBRARIES})
  add_test(NAME test_${name} COMMAND test_${name} WORKING_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR})
endfunction()
