# SPDX-License-Identifier: Apache-2.0
# The manual pages, made of what the program says of itself (docs/man/make).

if(TARGET warrener AND NOT WARRENER_SANITIZE MATCHES "thread") # which does not run everywhere
  file(GLOB page_prose CONFIGURE_DEPENDS docs/man/*.roff)
  add_custom_command(
    OUTPUT ${CMAKE_CURRENT_BINARY_DIR}/man/warrener.1
    COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/docs/man/make $<TARGET_FILE:warrener>
            ${CMAKE_CURRENT_BINARY_DIR}/man
    DEPENDS warrener docs/man/make ${page_prose}
    VERBATIM)
  add_custom_target(warrener_pages ALL DEPENDS ${CMAKE_CURRENT_BINARY_DIR}/man/warrener.1)
endif()
