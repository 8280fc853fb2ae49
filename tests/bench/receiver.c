/* SPDX-License-Identifier: Apache-2.0
 *
 * The tests' receiver of spans as a program, for measurements: prints its port, takes spans until it is
 * asked to end, and then says how many they were: requests, spans. */
#include <signal.h>
#include <stdio.h>

#include "support/receiver.h"

int main(void)
{
    sigset_t wanted;
    int got;
    sigemptyset(&wanted);
    sigaddset(&wanted, SIGTERM);
    sigprocmask(SIG_BLOCK, &wanted, NULL); /* before there are threads */
    struct receiver *const receiver = receiver_open();
    receiver_keep_nothing(receiver);
    printf("%u\n", receiver_port(receiver));
    fflush(stdout);
    sigwait(&wanted, &got);
    printf("%u %u\n", receiver_requests(receiver), receiver_spans(receiver));
    receiver_close(receiver);
    return 0;
}
