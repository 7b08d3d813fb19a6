// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Forty lists of a hundred thousand entries, one in the place of the other, under packets without a
 * pause: every packet meets the old list or the new one, whole.
 *
 * For each probe the right verdict is known under list A and under list B. Those whose verdict is
 * the same may never see another one, at whatever moment. For the others either is right while a
 * list is being brought into force, and only the present one's as soon as that is said to be done.
 */
#include <arpa/inet.h>
#include <linux/bpf.h>
#include <pthread.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "tests/bpf/rig.h"
#include "user/base/cleanup.h"

#define PINS "/sys/fs/bpf/seine-test-swaps"
#define SWAPS 40
#define ENTRIES 100000
#define REPEAT 10000	   /* packets of one probe at a time */
#define A_BASE 0x10000000u /* 16.0.0.0: what fills list A */
#define B_BASE 0x60000000u

/* ---- lists ---- */

struct row {
	const char *prefix;
	enum seine_action action;
};

/* Entries that the probes meet, beside those that fill the lists. The lists differ in their
 * lengths, so that half of one with half of the other would show. */
static const struct row rows[2][8] = {
	{
		{ "198.51.100.7", SEINE_DROP },
		{ "198.51.0.0/16", SEINE_WATCH },
		{ "203.0.113.0/24", SEINE_DROP },
		{ "192.0.2.0/28", SEINE_DROP },
		{ "2001:db8:1::/48", SEINE_DROP },
		{ "2001:db8:2::/47", SEINE_DROP },
		{ "2001:db8:2:3::/64", SEINE_WATCH },
	},
	{
		{ "198.51.100.0/25", SEINE_DROP },
		{ "198.51.100.8/30", SEINE_WATCH },
		{ "203.0.113.9", SEINE_WATCH },
		{ "192.0.2.0/23", SEINE_DROP },
		{ "2001:db8::/32", SEINE_DROP },
		{ "2001:db8:2::/56", SEINE_WATCH },
	},
};

static const struct probe {
	const char *address;
	bool drops[2];
} probes[] = {
	{ "198.51.100.7", { true, true } },   /* /32, then /25 */
	{ "198.51.100.9", { false, false } }, /* watched by /16, then by /30 in a /25 that drops */
	{ "192.0.2.3", { true, true } },      /* /28, then /23 */
	{ "2001:db8:1::9", { true, true } },  /* /48, then /32 */
	{ "2001:db8:2:3::9", { false, false } }, /* watched by /64, then by /56 */
	{ "2001:db8:2:4::9", { true, false } },
	{ "2001:db8:2::9", { true, false } },
	{ "203.0.113.9", { true, false } },
	{ "203.0.113.8", { true, false } },
	{ "192.0.3.3", { false, true } },
	{ "198.51.100.99", { false, true } },
	{ "198.51.101.1", { false, false } },
	{ "10.9.9.9", { false, false } },
	{ "2001:db9::1", { false, false } },
	{ "16.0.0.1", { true, false } }, /* a first and a last one of those that fill */
	{ "96.0.0.1", { false, true } },
	{ "17.134.150.1", { true, false } },
	{ "97.134.150.1", { false, true } },
};

static struct prefix prefix(const char *text)
{
	char why[DATAPATH_WHY];
	struct prefix p;

	assert_int_equal(prefix_parse(text, why, sizeof(why), &p), 0);
	return p;
}

static void append(struct entries *e, const struct prefix *p, enum seine_action action)
{
	struct entry entry = { .prefix = *p,
			       .row = { .action = action, .origin = SEINE_OPERATOR } };

	assert_int_equal(entries_append(e, &entry), 0);
}

static struct entries *list_make(int which)
{
	struct entries *e = NULL;
	uint32_t n = 0;

	assert_int_equal(entries_new(ENTRIES, &e), 0);
	for (; n < ARRAY_LEN(rows[which]) && rows[which][n].prefix; n++) {
		struct prefix p = prefix(rows[which][n].prefix);

		append(e, &p, rows[which][n].action);
	}
	for (uint32_t i = 0; i < ENTRIES - n; i++) {
		uint32_t ip = htonl((which ? B_BASE : A_BASE) + (i << 8));
		uint8_t bytes[16] = { [10] = 0xff, [11] = 0xff };
		struct prefix p;

		memcpy(bytes + 12, &ip, sizeof(ip));
		p = prefix_of(bytes, PREFIX_V4_BASE + 24);
		append(e, &p, SEINE_DROP);
	}
	entries_sort(e);
	return e;
}

/* ---- packets ---- */

/* `turn` is twice the number of lists brought into force, and one more while the next one is being:
 * list turn / 2 % 2 is in force then, or the one after it. */
struct prober {
	struct datapath *datapath;
	uint32_t turn;
	bool stop;
	uint64_t packets, steady, wrong;
	const struct probe *first_wrong;
};

static uint64_t dropped(struct datapath *d)
{
	struct seine_stats s = { 0 };

	(void)datapath_stats(d, &s);
	return s.dropped;
}

static void probe_once(struct prober *p, const struct probe *probe)
{
	uint32_t before = __atomic_load_n(&p->turn, __ATOMIC_SEQ_CST), after;
	uint64_t drops = dropped(p->datapath), wrong = 0;
	bool steady;
	uint8_t ip[16];

	memcpy(ip, prefix(probe->address).ip, 16);
	(void)rig_syn(p->datapath, ip, REPEAT);
	drops = dropped(p->datapath) - drops;
	after = __atomic_load_n(&p->turn, __ATOMIC_SEQ_CST);
	steady = before == after && !(before & 1);
	if (steady || probe->drops[0] == probe->drops[1])
		wrong = probe->drops[before / 2 % 2] ? REPEAT - drops : drops;
	if (wrong && !p->first_wrong)
		p->first_wrong = probe;
	p->packets += REPEAT;
	p->steady += steady;
	p->wrong += wrong;
}

static void *probe_on(void *arg)
{
	struct prober *p = arg;

	while (!__atomic_load_n(&p->stop, __ATOMIC_ACQUIRE)) {
		for (size_t i = 0; i < ARRAY_LEN(probes); i++)
			probe_once(p, &probes[i]);
	}
	return NULL;
}

static double ms_since(const struct timespec *t)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (now.tv_sec - t->tv_sec) * 1e3 + (now.tv_nsec - t->tv_nsec) / 1e6;
}

static void swap_to(struct prober *p, const struct entries *list)
{
	char why[DATAPATH_WHY];

	__atomic_add_fetch(&p->turn, 1, __ATOMIC_SEQ_CST);
	if (datapath_apply(p->datapath, list, why) < 0)
		fail_msg("%s", why);
	__atomic_add_fetch(&p->turn, 1, __ATOMIC_SEQ_CST);
}

static void every_packet_meets_a_whole_list(void **state)
{
	struct prober p = { .datapath = *state };
	struct entries *lists[2] = { list_make(0), list_make(1) };
	const struct timespec pause = { .tv_nsec = 60000000 };
	struct timespec began;
	double ms = 0, most = 0;
	pthread_t thread;

	swap_to(&p, lists[0]);
	p.turn = 0;
	assert_int_equal(pthread_create(&thread, NULL, probe_on, &p), 0);
	for (int i = 1; i <= SWAPS; i++) {
		double took;

		clock_gettime(CLOCK_MONOTONIC, &began);
		swap_to(&p, lists[i % 2]);
		took = ms_since(&began);
		ms += took;
		most = took > most ? took : most;
		nanosleep(&pause, NULL);
	}
	__atomic_store_n(&p.stop, true, __ATOMIC_RELEASE);
	pthread_join(thread, NULL);
	print_message("# %d lists of %d entries, %.0f ms each (%.0f at most), %.1f M packets, %.0f "
		      "%% of them between two\n",
		      SWAPS, ENTRIES, ms / SWAPS, most, (double)p.packets / 1e6,
		      1e2 * (double)p.steady * REPEAT / (double)p.packets);
	if (p.wrong)
		fail_msg("%lu wrong verdicts, the first for %s", p.wrong, p.first_wrong->address);
	assert_true(p.packets >= 1000000);
	assert_true(p.steady > 0);
	entries_free(lists[0]);
	entries_free(lists[1]);
}

/* The method sees a list whose lengths are another's. */
static void half_a_list_would_be_seen(void **state)
{
	struct prober p = { .datapath = *state };
	struct entries *list = list_make(0);
	struct seine_lengths none = { 0 };

	swap_to(&p, list);
	p.turn = 0;
	for (uint32_t generation = 0; generation < 2; generation++)
		assert_int_equal(rig_put(p.datapath, "seine_lengths", generation, &none), 0);
	probe_once(&p, &probes[0]);
	assert_int_equal(p.wrong, REPEAT);
	entries_free(list);
}

static int setup(void **state)
{
	struct datapath *d = rig_open(PINS);

	rig_enforce(d);
	*state = d;
	return 0;
}

static int teardown(void **state)
{
	rig_close(*state, PINS);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_packet_meets_a_whole_list),
		cmocka_unit_test(half_a_list_would_be_seen),
	};

	return cmocka_run_group_tests_name("swaps", tests, setup, teardown);
}
