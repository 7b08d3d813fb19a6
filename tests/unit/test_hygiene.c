/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Handshakes whose timing is no evidence: when they are too many, and for which reason. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include "user/base/cleanup.h"
#include "user/sight/hygiene.h"

#define SLOT 600

/* Whatever the counters were, only what they grow by in the slot counts. */
static struct hygiene judge(const struct seine_stats *grown)
{
	struct seine_stats s = { .hello = 1000000, .untrusted_syn = 900000, .packets = 1 };
	struct hygiene h = { 0 };

	hygiene_add(&h, &s, 5000, SLOT);
	assert_false(h.bad);
	for (size_t i = 0; i < sizeof(s) / sizeof(uint64_t); i++)
		((uint64_t *)&s)[i] += ((const uint64_t *)grown)[i];
	hygiene_add(&h, &s, 5000 + SLOT, SLOT);
	return h;
}

static void share_and_number(void **state)
{
	static const struct {
		uint64_t hellos, balanced, again;
		bool bad;
	} rows[] = {
		{ 0, 0, 0, false },
		{ 1000, 0, 0, false },
		{ 1000, 0, 200, false }, /* a fifth, and not more */
		{ 1000, 0, 201, true },
		{ 250, 0, 51, true },
		{ 249, 0, 249, false },	      /* too few to say */
		{ 1000, 1000, 0, false },     /* all behind a balancer, and no harm in it */
		{ 100000, 99000, 201, true }, /* a fifth of those that are not */
		{ 100000, 99000, 200, false },
		{ 1240, 1000, 240, false }, /* too few that are not */
		{ 100, 0, 300, true },	    /* their hellos came in the slot before */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct seine_stats grown = {
			.hello = rows[i].hellos,
			.untrusted_balanced = rows[i].balanced,
			.untrusted_again = rows[i].again,
		};
		struct hygiene h = judge(&grown);

		if (h.bad != rows[i].bad)
			fail_msg("row %zu", i);
		assert_int_equal(h.untrusted, rows[i].again);
	}
}

/* All reasons count together; the most frequent one is told. */
static void main_reason(void **state)
{
	struct seine_stats grown = {
		.hello = 1000,
		.untrusted_syn = 30,
		.untrusted_tfo = 31,
		.untrusted_ack = 32,
		.untrusted_again = 33,
		.untrusted_order = 34,
		.untrusted_early = 35,
		.untrusted_trip = 36,
		.untrusted_late = 29,
		.untrusted_balanced = 100,
	};
	struct hygiene h = judge(&grown);

	(void)state;
	assert_true(h.bad);
	assert_int_equal(h.handshakes, 900);
	assert_int_equal(h.untrusted, 260);
	assert_int_equal(h.most, 36);
	assert_non_null(strstr(h.reason, "round trips"));
	grown.untrusted_syn = 500;
	h = judge(&grown);
	assert_int_equal(h.most, 500);
	assert_string_equal(h.reason, "the SYN came more than once");
	h = judge(&(struct seine_stats){ .hello = 1000 });
	assert_null(h.reason);
}

/* No counter of the datapath is forgotten, and none but these counts. */
static void every_reason(void **state)
{
#define X(name, text) #name,
	static const char *const names[] = { SEINE_COUNTERS(X) };
#undef X
	unsigned int n = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		bool counts = !strncmp(names[i], "untrusted_", 10) &&
			      strcmp(names[i], "untrusted_balanced");
		struct seine_stats grown = { 0 };
		struct hygiene h;

		((uint64_t *)&grown)[i] = 1;
		h = judge(&grown);
		if (h.untrusted != counts)
			fail_msg("%s", names[i]);
		n += counts;
	}
	assert_int_equal(n, 8);
}

/* The judgement stands for the slot after it, and is made anew at its end. */
static void slot_by_slot(void **state)
{
	struct seine_stats s = { 0 };
	struct hygiene h = { 0 };

	(void)state;
	hygiene_add(&h, &s, 100, SLOT);
	s.hello = s.untrusted_ack = 500;
	hygiene_add(&h, &s, 100 + SLOT - 1, SLOT);
	assert_false(h.bad);
	hygiene_add(&h, &s, 100 + SLOT, SLOT);
	assert_true(h.bad);
	s.hello = 1000;
	hygiene_add(&h, &s, 100 + 2 * SLOT - 1, SLOT);
	assert_true(h.bad);
	hygiene_add(&h, &s, 100 + 2 * SLOT, SLOT);
	assert_false(h.bad);
	assert_int_equal(h.handshakes, 500);

	/* Counters that were made anew say nothing of the slot. */
	s = (struct seine_stats){ .hello = 400, .untrusted_ack = 400 };
	hygiene_add(&h, &s, 100 + 3 * SLOT, SLOT);
	assert_false(h.bad);
	s.hello = s.untrusted_ack = 800;
	hygiene_add(&h, &s, 100 + 4 * SLOT, SLOT);
	assert_true(h.bad);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(share_and_number),
		cmocka_unit_test(main_reason),
		cmocka_unit_test(every_reason),
		cmocka_unit_test(slot_by_slot),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
