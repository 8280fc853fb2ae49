/* SPDX-License-Identifier: Apache-2.0
 *
 * Prometheus as a child; see prometheus.h. */
#include "prometheus.h"

#include <ctype.h>
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/redis.h"

static void run(const struct prometheus *prometheus, const char *config)
{
    char file[300], data[300], listen[60];
    snprintf(file, sizeof file, "--config.file=%s", config);
    snprintf(data, sizeof data, "--storage.tsdb.path=%s", prometheus->dir);
    snprintf(listen, sizeof listen, "--web.listen-address=127.0.0.1:%u", prometheus->port);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    execlp("prometheus", "prometheus", file, data, listen, "--log.level=error", (char *)NULL);
    fputs("prometheus is not installed\n", stderr);
    _exit(127);
}

void prometheus_start(struct prometheus *prometheus, const struct play *play)
{
    char config[400];
    snprintf(config, sizeof config,
             "global: {scrape_interval: 500ms, scrape_timeout: 500ms}\n"
             "scrape_configs:\n"
             "  - {job_name: warrener, static_configs: [{targets: [\"127.0.0.1:%u\"]}]}\n",
             play->port);
    play_write(play, "prometheus.yml", config);
    snprintf(prometheus->dir, sizeof prometheus->dir, "%s/prometheus", play->dir);
    prometheus->port = redis_free_port();
    prometheus->pid = fork();
    cr_assert(prometheus->pid >= 0);
    if (prometheus->pid == 0) run(prometheus, play_path(play, "prometheus.yml"));
    WAIT(play, fetch_status(prometheus->port, "/-/ready") == 200 ||
                   waitpid(prometheus->pid, NULL, WNOHANG) != 0);
    PROVE(play, fetch_status(prometheus->port, "/-/ready") == 200, "Prometheus does not start");
}

static int remove_one(const char *path, const struct stat *stat, int kind, struct FTW *walk)
{
    (void)stat, (void)kind, (void)walk;
    return remove(path);
}

void prometheus_end(struct prometheus *prometheus)
{
    kill(prometheus->pid, SIGKILL);
    (void)play_reap(prometheus->pid);
    nftw(prometheus->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void encode(const char *text, char *out, size_t room)
{
    size_t n = 0;
    for (; *text && n + 4 < room; text++) {
        const unsigned char byte = (unsigned char)*text;
        n += (size_t)snprintf(out + n, room - n, byte < 0x80 && isalnum(byte) ? "%c" : "%%%02X",
                              byte);
    }
    cr_assert(!*text, "too long a query");
}

/* The comparison leaves out what is no number, such as the mean of nothing. */
bool prometheus_has(const struct prometheus *prometheus, const char *query)
{
    char numbers[2048], encoded[6144], path[6300];
    snprintf(numbers, sizeof numbers, "(%s) > -Inf", query);
    encode(numbers, encoded, sizeof encoded);
    snprintf(path, sizeof path, "/api/v1/query?query=%s", encoded);
    struct fetched *page = malloc(sizeof *page);
    const uint64_t deadline_ms = clock_now_ms() + PLAY_PATIENCE_MS;
    do {
        fetch(prometheus->port, path, page);
    } while (page->status == 0 && clock_now_ms() < deadline_ms); /* it is busy, too */
    cr_assert(page->status == 200, "%s: %d: %s", query, page->status, page->body);
    const char *result = strstr(page->body, "\"result\":[");
    const bool has = result && result[strlen("\"result\":[")] == '{';
    free(page);
    return has;
}
