# SPDX-License-Identifier: Apache-2.0
# The third-party libraries, each found once. What they are for stands in the rooms that use them.

find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
pkg_check_modules(LIBRABBITMQ REQUIRED IMPORTED_TARGET librabbitmq>=0.11)
pkg_check_modules(LIBEVENT REQUIRED IMPORTED_TARGET libevent_core>=2.1.12 libevent_extra>=2.1.12
                  libevent_pthreads>=2.1.12)
pkg_check_modules(OPENSSL REQUIRED IMPORTED_TARGET libssl>=3 libcrypto>=3)
pkg_check_modules(LIBPQ REQUIRED IMPORTED_TARGET libpq>=14)
pkg_check_modules(HIREDIS REQUIRED IMPORTED_TARGET hiredis>=0.14)
pkg_check_modules(YAML REQUIRED IMPORTED_TARGET yaml-0.1)

add_library(lib_rabbitmq ALIAS PkgConfig::LIBRABBITMQ)
add_library(lib_event ALIAS PkgConfig::LIBEVENT)
add_library(lib_openssl ALIAS PkgConfig::OPENSSL)
add_library(lib_pq ALIAS PkgConfig::LIBPQ)
add_library(lib_hiredis ALIAS PkgConfig::HIREDIS)
add_library(lib_yaml ALIAS PkgConfig::YAML)
