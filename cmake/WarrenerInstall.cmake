# SPDX-License-Identifier: Apache-2.0
# What `cmake --install` lays down, in two components: `host`, which runs handlers (the program, the
# bundled ones with their tables, manual pages, completion, a unit for systemd), and `dev`, which builds
# them outside of this tree (headers, testing library, a CMake package and pkg-config files, both
# relocatable). WarrenerPackages.cmake makes a Debian package of each.

include(CMakePackageConfigHelpers)

set(WARRENER_WORKERS_DIR lib/warrener/workers)
set(cmake_dir ${CMAKE_INSTALL_LIBDIR}/cmake/warrener)
set(pkgconfig_dir ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
set(made ${CMAKE_CURRENT_BINARY_DIR}/install)

set(CMAKE_INSTALL_DEFAULT_COMPONENT_NAME host)
if(TARGET warrener)
  install(TARGETS warrener RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
if(TARGET warrener_pages)
  install(DIRECTORY ${CMAKE_CURRENT_BINARY_DIR}/man/ DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
endif()
install(FILES completion/warrener.bash DESTINATION share/bash-completion/completions RENAME warrener)
install(FILES systemd/warrener@.service DESTINATION lib/systemd/system)
install(DIRECTORY sql/workers DESTINATION share/warrener/sql)
file(GLOB guides CONFIGURE_DEPENDS docs/*.md)
install(FILES README.md LICENSE ${guides} DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY docs/examples DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(FILES LICENSE DESTINATION share/doc/warrener RENAME copyright)     # where Debian looks
install(FILES LICENSE DESTINATION share/doc/warrener-dev RENAME copyright COMPONENT dev)

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

set(CMAKE_INSTALL_DEFAULT_COMPONENT_NAME dev)
install(DIRECTORY include/warrener ${CMAKE_CURRENT_BINARY_DIR}/include/warrener
        DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")
install(TARGETS warrener_testing ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
if(WARRENER_SANITIZE)
  set(testing_sanitizers "-fsanitize=${WARRENER_SANITIZE}")
endif()
# warrener_package(DIRECTORY DESTINATION…): the CMake package, for where the variables package_… say that
# things lie.
function(warrener_package directory)
  configure_package_config_file(
    cmake/warrener-config.cmake.in ${directory}/warrener-config.cmake
    INSTALL_DESTINATION ${ARGN}
    PATH_VARS package_include package_testing package_workers package_host)
  write_basic_package_version_file(${directory}/warrener-config-version.cmake
                                   COMPATIBILITY SameMajorVersion)
endfunction()

set(package_include ${CMAKE_INSTALL_INCLUDEDIR})
set(package_testing ${CMAKE_INSTALL_LIBDIR}/libwarrener_testing.a)
set(package_workers ${WARRENER_WORKERS_DIR})
set(package_host ${CMAKE_INSTALL_BINDIR}/warrener)
warrener_package(${made} ${cmake_dir})
install(FILES ${made}/warrener-config.cmake ${made}/warrener-config-version.cmake
              cmake/WarrenerHandler.cmake DESTINATION ${cmake_dir})

# The same for this build tree: find_package(warrener HINTS build/dev)
set(tree_dir ${CMAKE_CURRENT_BINARY_DIR}/lib/cmake/warrener)
set(package_include ${PROJECT_SOURCE_DIR}/include)
set(package_more_includes ";${CMAKE_CURRENT_BINARY_DIR}/include")
set(package_testing ${CMAKE_CURRENT_BINARY_DIR}/libwarrener_testing.a)
set(package_workers ${CMAKE_CURRENT_BINARY_DIR}/workers)
set(package_host ${CMAKE_CURRENT_BINARY_DIR}/warrener)
warrener_package(${tree_dir} ${tree_dir} INSTALL_PREFIX ${CMAKE_CURRENT_BINARY_DIR})
file(COPY cmake/WarrenerHandler.cmake DESTINATION ${tree_dir})

file(RELATIVE_PATH pkgconfig_to_prefix /${pkgconfig_dir} /)
foreach(package IN ITEMS warrener warrener-testing)
  configure_file(cmake/${package}.pc.in ${made}/${package}.pc @ONLY)
  install(FILES ${made}/${package}.pc DESTINATION ${pkgconfig_dir})
endforeach()

include(WarrenerPackages)
