# SPDX-License-Identifier: Apache-2.0
#
# The host, its bundled handlers and their migrations. docs/containers.md tells how to put handlers of one's
# own in: mounted, or by an image of three lines on top of this one. Two images are worth a tag:
#   docker build -t warrener .                      what runs
#   docker build -t warrener:build --target build . what handlers are compiled in
FROM debian:trixie-slim AS build
RUN apt-get update \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
        cmake gcc libc6-dev libevent-dev libhiredis-dev libpq-dev librabbitmq-dev libssl-dev libyaml-dev \
        ninja-build pkg-config \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
RUN umask 022 \
 && cmake -S . -B /build -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_INSTALL_PREFIX=/usr -DWARRENER_TESTS=OFF \
 && cmake --build /build \
 && cmake --install /build --strip

FROM debian:trixie-slim
RUN apt-get update \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
        ca-certificates libevent-core-2.1-7t64 libevent-extra-2.1-7t64 libevent-pthreads-2.1-7t64 \
        libhiredis1.1.0 libpq5 librabbitmq4 libssl3t64 libyaml-0-2 \
 && rm -rf /var/lib/apt/lists/* \
 && install -d -o 10001 -g 10001 -m 750 /var/lib/warrener
COPY --from=build /usr/bin/warrener /usr/bin/warrener
COPY --from=build /usr/lib/warrener /usr/lib/warrener
COPY --from=build /usr/share/warrener /usr/share/warrener
ENV WARRENER_CONFIG=/etc/warrener/warrener.yaml
# Owned by root, and run by somebody else: the host cannot change what it loads.
USER 10001:10001
EXPOSE 9187
HEALTHCHECK --interval=10s --timeout=5s --start-period=10s CMD ["warrener", "health"]
ENTRYPOINT ["warrener"]
CMD ["run"]
