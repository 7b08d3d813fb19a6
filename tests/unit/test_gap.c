// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Gap classes: measured handshakes, and the edges between the classes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include "bpf/gap.h"

#define MIN_US 20000

struct row {
	const char *name;
	uint32_t flags;
	uint32_t rtt_us;
	int32_t g1_us, delta_us;
	enum seine_gap gap;
};

static const struct row rows[] = {
	/* Measured through real proxies, in microseconds. */
	{ "direct, near", 0, 20500, 300, 1700, SEINE_GAP_NONE },
	{ "direct, far", 0, 81000, 200, 1700, SEINE_GAP_NONE },
	{ "CONNECT, strict", 0, 20400, 60800, 62600, SEINE_GAP_DUAL },
	{ "CONNECT, optimistic", 0, 20400, 40200, 62600, SEINE_GAP_DUAL },
	{ "TLS 1.2 proxied", 0, 20400, 61000, 62500, SEINE_GAP_DUAL },
	{ "retry proxied", 0, 20400, 60900, 61800, SEINE_GAP_DUAL },
	{ "resumption proxied", 0, 20400, 61000, 61500, SEINE_GAP_DUAL },
	{ "optimistic, exit far, client near it", 0, 150000, 0, 60000, SEINE_GAP_SINGLE },
	/* Only one gap. */
	{ "preconnected client", 0, 20000, 5000000, 1000, SEINE_GAP_SINGLE },
	{ "lost server flight", 0, 20000, 300, 220000, SEINE_GAP_SINGLE },
	{ "two gaps far apart", 0, 20000, 400000, 60000, SEINE_GAP_SINGLE },
	{ "proxied, ACK lost", SEINE_F_NO_PURE_ACK, 80700, 0, 100, SEINE_GAP_UNKNOWN },
	{ "first gap without a pure ACK", SEINE_F_NO_PURE_ACK, 20400, 62000, 1000,
	  SEINE_GAP_UNKNOWN },
	{ "both, without a pure ACK", SEINE_F_NO_PURE_ACK, 20400, 62000, 62000, SEINE_GAP_UNKNOWN },
	/* Edges. */
	{ "just below", 0, 20000, MIN_US - 1, MIN_US - 1, SEINE_GAP_NONE },
	{ "delta just long", 0, 20000, 0, MIN_US, SEINE_GAP_SINGLE },
	{ "first just long", 0, 20000, MIN_US, 0, SEINE_GAP_SINGLE },
	{ "both just long", 0, 5000, MIN_US, MIN_US, SEINE_GAP_DUAL },
	{ "half a first gap is enough", 0, 20000, 10000, MIN_US, SEINE_GAP_DUAL },
	{ "less than half is not", 0, 20000, 9999, MIN_US, SEINE_GAP_SINGLE },
	{ "agree within ten milliseconds", 0, 0 + 5000, 30000, 20000, SEINE_GAP_DUAL },
	{ "do not agree", 0, 5000, 30001, 20000, SEINE_GAP_SINGLE },
	{ "agree within three tenths", 0, 5000, 130000, 100000, SEINE_GAP_DUAL },
	{ "not within three tenths", 0, 5000, 130001, 100000, SEINE_GAP_SINGLE },
	/* Not to be trusted. */
	{ "faster than a network", 0, GAP_RTT_MIN_US - 1, 0, 0, SEINE_GAP_UNKNOWN },
	{ "as fast as a network", 0, GAP_RTT_MIN_US, 0, 0, SEINE_GAP_NONE },
	{ "second trip a fifth shorter", 0, 20000, 0, -4000, SEINE_GAP_NONE },
	{ "second trip shorter still", 0, 20000, 0, -4001, SEINE_GAP_UNKNOWN },
	{ "SYN came again", SEINE_F_SYN_AGAIN, 20400, 60800, 62600, SEINE_GAP_UNKNOWN },
	{ "fast open", SEINE_F_TFO, 20400, 60800, 62600, SEINE_GAP_UNKNOWN },
	{ "retransmission", SEINE_F_RETRANS, 20400, 60800, 62600, SEINE_GAP_UNKNOWN },
	{ "no handshake", SEINE_F_NO_HANDSHAKE, 20400, 60800, 62600, SEINE_GAP_UNKNOWN },
	{ "other flags", SEINE_F_HELLO | SEINE_F_HELLO_SPLIT | SEINE_F_CCS | SEINE_F_KNOWN, 20400,
	  60800, 62600, SEINE_GAP_DUAL },
	{ "longest round trip", 0, UINT32_MAX, 0, 0, SEINE_GAP_NONE },
	{ "longest possible", 0, 20000, INT32_MAX, INT32_MAX, SEINE_GAP_DUAL },
};

static void test_row(void **state)
{
	const struct row *r = *state;

	assert_int_equal(gap_classify(r->flags, r->rtt_us, r->g1_us, r->delta_us, MIN_US), r->gap);
}

/* A longer hidden leg never looks like a shorter one. */
static void test_monotone(void **state)
{
	enum seine_gap before = SEINE_GAP_NONE;

	(void)state;
	for (int32_t leg = 0; leg < 2000000; leg += 500) {
		enum seine_gap gap = gap_classify(0, 20000, leg, leg, MIN_US);

		assert_true(gap >= before);
		before = gap;
	}
	assert_int_equal(before, SEINE_GAP_DUAL);
}

#define ROWS (sizeof(rows) / sizeof(rows[0]))

int main(void)
{
	static struct CMUnitTest tests[ROWS + 1];

	for (size_t i = 0; i < ROWS; i++)
		tests[i] = (struct CMUnitTest){ .name = rows[i].name,
						.test_func = test_row,
						.initial_state = (void *)&rows[i] };
	tests[ROWS] = (struct CMUnitTest)cmocka_unit_test(test_monotone);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
