// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A capture of any size for `seine replay`: what clients of an HTTPS service send, from SYN to FIN,
 * some hundreds of connections at a time, each with a handshake that a server would answer.
 *
 *	capture BYTES [SEED] >FILE
 *
 * The same seed gives the same bytes.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "tests/sim/rng.h"
#include "tests/sim/segment.h"
#include "tests/sim/software.h"
#include "tests/sim/wire.h"
#include "user/base/cleanup.h"

#define SOURCES 100000 /* addresses they come from */
#define KINDS 16       /* different ClientHellos */
#define STEP_US 200    /* from one connection to the next, on average */
#define FIRST_NS 1763683200000000000ull

static struct wire_connection connection(struct rng *dice, uint64_t start_ns)
{
	uint32_t who = rng_below(dice, SOURCES);
	struct wire_connection c = {
		.start_ns = start_ns,
		.source = { [10] = 0xff,
			    0xff,
			    10,
			    (uint8_t)(who >> 16),
			    (uint8_t)(who >> 8),
			    (uint8_t)who },
		.sport = (uint16_t)(1024 + rng_below(dice, 64000)),
		.stack = (uint8_t)(who % STACKS),
		.hops = (uint8_t)(4 + who % 16),
		.software = (uint8_t)(who % KINDS),
		.n = (uint8_t)(1 + rng_below(dice, 6)),
		.rtt_us = 5000 + who % 64 * 2000,
	};

	for (unsigned int i = 0; i < c.n; i++)
		c.request[i] = (struct wire_request){
			.pause_ms = i ? 500 : 0,
			.bytes = 200 + rng_below(dice, 1000),
			.wait_ms = 20,
			.stream_ms = 50,
			.response_bytes = 1000 + rng_below(dice, 20000),
		};
	return c;
}

int main(int argc, char **argv)
{
	uint64_t limit = argc > 1 ? strtoull(argv[1], NULL, 10) : 0, now_ns = FIRST_NS;
	struct rng dice = { argc > 2 ? strtoull(argv[2], NULL, 10) : 1 };
	_cleanup_(wire_freep) struct wire *w = NULL;
	int r;

	if (!limit || isatty(STDOUT_FILENO)) {
		fputs("usage: capture BYTES [SEED] >FILE\n", stderr);
		return 2;
	}
	r = wire_new(stdout, dice.state, &w);
	while (r == 0 && wire_bytes(w) < limit) {
		struct wire_connection c = connection(&dice, now_ns);

		r = wire_connect(w, &c);
		now_ns += 1 + rng_below(&dice, 2 * STEP_US * 1000);
		if (r == 0)
			r = wire_until(w, now_ns);
	}
	if (r == 0 && fflush(stdout) == EOF)
		r = -EIO;
	if (r < 0)
		fprintf(stderr, "capture: %s\n", strerror(-r));
	return r < 0;
}
