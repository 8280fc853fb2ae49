# SPDX-License-Identifier: Apache-2.0
# What `cmake --install` lays down: the host, the headers, the bundled handlers, and what lets others
# build handlers outside this tree: a CMake package and a pkg-config file, both relocatable.

include(CMakePackageConfigHelpers)

set(WARRENER_WORKERS_DIR lib/warrener/workers)
set(cmake_dir ${CMAKE_INSTALL_LIBDIR}/cmake/warrener)
set(pkgconfig_dir ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
set(made ${CMAKE_CURRENT_BINARY_DIR}/install)

if(TARGET warrener)
  install(TARGETS warrener RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
install(DIRECTORY include/warrener ${CMAKE_CURRENT_BINARY_DIR}/include/warrener
        DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")
install(TARGETS warrener_testing ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(FILES README.md LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})

# Every plugin that a folder of workers/ makes.
get_property(folders DIRECTORY workers PROPERTY SUBDIRECTORIES)
foreach(folder IN LISTS folders)
  get_property(targets DIRECTORY ${folder} PROPERTY BUILDSYSTEM_TARGETS)
  foreach(target IN LISTS targets)
    get_target_property(type ${target} TYPE)
    if(type STREQUAL "MODULE_LIBRARY")
      install(TARGETS ${target} LIBRARY DESTINATION ${WARRENER_WORKERS_DIR})
    endif()
  endforeach()
endforeach()

if(WARRENER_SANITIZE)
  set(testing_sanitizers "-fsanitize=${WARRENER_SANITIZE}")
endif()
configure_package_config_file(
  cmake/warrener-config.cmake.in ${made}/warrener-config.cmake INSTALL_DESTINATION ${cmake_dir}
  PATH_VARS CMAKE_INSTALL_INCLUDEDIR CMAKE_INSTALL_LIBDIR WARRENER_WORKERS_DIR)
write_basic_package_version_file(${made}/warrener-config-version.cmake
                                 COMPATIBILITY SameMajorVersion)
install(FILES ${made}/warrener-config.cmake ${made}/warrener-config-version.cmake
              cmake/WarrenerHandler.cmake DESTINATION ${cmake_dir})

file(RELATIVE_PATH pkgconfig_to_prefix /${pkgconfig_dir} /)
foreach(package IN ITEMS warrener warrener-testing)
  configure_file(cmake/${package}.pc.in ${made}/${package}.pc @ONLY)
  install(FILES ${made}/${package}.pc DESTINATION ${pkgconfig_dir})
endforeach()
