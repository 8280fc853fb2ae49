/* SPDX-License-Identifier: Apache-2.0
 *
 * A post whose answer comes before the server has read all of it: the body is the caller's again at
 * once, and nothing of it may be written any more. */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"
#include "ops/http_post.h"

#define BODY_BYTES ((size_t)16 << 20) /* more than sockets hold */

struct scene {
    struct loop *loop;
    struct http_post *post;
    char *body;
    int status;
    int listener;
    size_t got; /* by the server, head and all */
    struct loop_call stop;
};

static void *answer_early(void *own)
{
    static const char answer[] = "HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n";
    static char bytes[65536];
    struct scene *const scene = own;
    const int fd = accept(scene->listener, NULL, NULL);
    ssize_t n = fd >= 0 ? recv(fd, bytes, 16, 0) : -1;
    if (n < 0) return NULL; /* the test times out */
    (void)send(fd, answer, sizeof answer - 1, MSG_NOSIGNAL);
    for (struct pollfd readable = { .fd = fd, .events = POLLIN };
         n > 0 && poll(&readable, 1, 500) > 0; n = recv(fd, bytes, sizeof bytes, 0))
        scene->got += (size_t)n;
    close(fd);
    loop_post(scene->loop, &scene->stop);
    return NULL;
}

static void on_answer(void *own, const struct http_answer *answer)
{
    struct scene *const scene = own;
    scene->status = answer->status;
    free(scene->body);
    scene->body = NULL;
}

static void on_stop(struct loop_call *call)
{
    loop_stop(OWNER_OF(call, struct scene, stop)->loop);
}

Test(http_post, an_early_answer_ends_the_request, .timeout = 120)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t bytes = sizeof at;
    struct scene scene = { .loop = loop_new(),
                           .listener = socket(AF_INET, SOCK_STREAM, 0),
                           .stop.run = on_stop };
    pthread_t server;
    cr_assert_geq(scene.listener, 0);
    cr_assert(bind(scene.listener, (struct sockaddr *)&at, sizeof at) == 0);
    cr_assert(listen(scene.listener, 1) == 0);
    cr_assert(getsockname(scene.listener, (struct sockaddr *)&at, &bytes) == 0);
    cr_assert(pthread_create(&server, NULL, answer_early, &scene) == 0);
    const struct http_post_settings settings = { .host = "127.0.0.1",
                                                 .path = "/",
                                                 .port = ntohs(at.sin_port),
                                                 .headers = "",
                                                 .timeout_ms = 10000 };
    scene.post = http_post_new(scene.loop, &settings, on_answer, &scene);
    scene.body = memory_new(BODY_BYTES, 1);
    http_post_send(scene.post, scene.body, BODY_BYTES);
    loop_run(scene.loop);
    pthread_join(server, NULL);
    cr_expect_eq(scene.status, 413);
    cr_expect_null(scene.body);
    cr_expect_lt(scene.got, BODY_BYTES, "all of it was sent though it was not ours any more");
    http_post_free(scene.post);
    loop_free(scene.loop);
    close(scene.listener);
}
