# SPDX-License-Identifier: Apache-2.0
# `cpack --config build/release/CPackConfig.cmake`: Debian packages, `warrener` to run handlers and
# `warrener-dev` to build them. Dependencies on libraries are what dpkg-shlibdeps finds.

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME warrener)
set(CPACK_PACKAGE_CONTACT "Warrener <warrener@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "worker host for RabbitMQ: handlers in C, made durable")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ
                                                GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_STRIP_FILES ON)
set(CPACK_COMPONENTS_ALL host dev)
set(CPACK_COMPONENTS_GROUPING IGNORE)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_ENABLE_COMPONENT_DEPENDS OFF)

set(CPACK_COMPONENT_HOST_DESCRIPTION
    "Consumes from RabbitMQ, runs handlers, writes the rows they ask for to PostgreSQL in batches,
fills a cache in Redis, and acknowledges a message only when everything it caused is durable.")
set(CPACK_DEBIAN_HOST_PACKAGE_NAME warrener)
set(CPACK_DEBIAN_HOST_PACKAGE_SECTION net)
set(CPACK_DEBIAN_HOST_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_HOST_PACKAGE_DEPENDS ca-certificates)
set(CPACK_DEBIAN_HOST_PACKAGE_SUGGESTS warrener-dev)

set(CPACK_COMPONENT_DEV_DESCRIPTION
    "Headers, testing library, CMake package and pkg-config files for writing handlers of Warrener;
`warrener new` makes a project that uses them.")
set(CPACK_DEBIAN_DEV_PACKAGE_NAME warrener-dev)
set(CPACK_DEBIAN_DEV_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_DEV_PACKAGE_DEPENDS "warrener (= ${PROJECT_VERSION})")
set(CPACK_DEBIAN_DEV_PACKAGE_RECOMMENDS "gcc, libc6-dev, cmake (>= 3.25), make, pkg-config")

include(CPack)
