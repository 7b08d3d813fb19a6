// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Ten million spoofed SYNs from as many sources, a million a second, and a million forged segments,
 * while honest clients go on: none of them is forgotten or mistimed, and no spoofed source is
 * remembered.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include "tests/bpf/flood.skel.h"
#include "tests/bpf/talk.h"

#define HONEST 2000
#define SYNS 10000000
#define FORGED 1000000
/* Spoofed packets between two moments of the honest clients. Each run of many packets costs some
 * 30 ms on top, for which the kernel waits. */
#define SLICE 100000
#define SLICE_US 100000
#define RECONNECTS 10	   /* in each slice */
#define SYNS_PER_SEC 10000 /* half-open rows for strangers */
#define RTT_SLICES 3
/* One handshake in so many may be displaced: the doorkeeper takes a stranger for a known source
 * when their hashes agree in 26 bits. */
#define MISSED 500

static struct bed *bed;
static struct flood *flood;
static struct talk clients[HONEST];
static char names[HONEST][32];
static uint32_t opened; /* connections of honest clients, all with a handshake */

static struct seine_stats stats(void)
{
	struct seine_stats s;

	bed_stats(bed, &s);
	return s;
}

static void progress(const char *what, uint32_t done, uint32_t all)
{
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "\r%s: %u of %u million%s", what, done / 1000000, all / 1000000,
			done < all ? "" : "\n");
}

/* One slice; the ns a packet. */
static uint32_t spoof(uint8_t flags, uint32_t payload)
{
	static uint8_t out[2048];
	struct shape s = { .src = "11.0.0.1", .flags = flags, .payload_len = payload, .ack = 9 };
	struct wire w;
	LIBBPF_OPTS(bpf_test_run_opts, o, .data_in = w.bytes, .data_out = out,
		    .data_size_out = sizeof(out), .repeat = SLICE);

	wire_build(&s, &w);
	o.data_size_in = w.len;
	assert_int_equal(bpf_prog_test_run_opts(bpf_program__fd(flood->progs.flood), &o), 0);
	assert_int_equal(o.retval, XDP_PASS);
	return o.duration;
}

/* Honest clients, each with a connection that stays open. */
static void greet(void)
{
	for (uint32_t i = 0; i < HONEST; i++) {
		snprintf(names[i], sizeof(names[i]), "10.%u.%u.7", i >> 5, i & 31);
		clients[i] = talk_new(bed, names[i], 40000);
		talk_open(&clients[i], 100, 0, 517);
		talk_finish(&clients[i], 100);
		talk_data(&clients[i], 500);
		opened++;
	}
}

/* Clients that were seen before open connections in the middle of the flood. */
static void reconnect(uint32_t slice)
{
	static struct talk t[RTT_SLICES + 1][RECONNECTS];
	struct talk *now = t[slice % (RTT_SLICES + 1)];
	struct talk *due = t[(slice + 1) % (RTT_SLICES + 1)];

	for (uint32_t i = 0; i < RECONNECTS; i++) {
		uint32_t n = slice * RECONNECTS + i;

		if (due[i].bed) {
			talk_ack(&due[i]);
			talk_hello(&due[i], 517);
			opened++;
		}
		now[i] = talk_new(bed, names[n % HONEST], 41000 + n);
		talk_syn(&now[i]);
	}
}

static void test_syns(void **state)
{
	struct seine_stats before = stats();
	uint32_t nets = bed_count(bed, "seine_net");
	uint64_t ns = 0;

	(void)state;
	for (uint32_t n = 0; n < SYNS; n += SLICE) {
		ns += spoof(TH_SYN, 0);
		reconnect(n / SLICE);
		talk_wait(&clients[0], SLICE_US);
		if (n % 1000000 == 0)
			progress("spoofed SYNs", n, SYNS);
	}
	progress("spoofed SYNs", SYNS, SYNS);
	print_message("# %lu ns a spoofed SYN\n", ns / (SYNS / SLICE));
	assert_int_equal(stats().syn - before.syn, SYNS + RECONNECTS * (SYNS / SLICE));
	assert_int_equal(bed_count(bed, "seine_src"), HONEST);
	assert_int_equal(bed_count(bed, "seine_net"), nets);
	assert_true(stats().half_refused > SYNS - 12 * SYNS_PER_SEC);
}

static void test_segments(void **state)
{
	struct seine_stats before = stats();

	(void)state;
	for (uint32_t n = 0; n < FORGED; n += SLICE)
		spoof(TH_ACK, 300);
	assert_int_equal(stats().proof_failed - before.proof_failed, FORGED);
	assert_int_equal(stats().flow_new, before.flow_new);
	assert_int_equal(bed_count(bed, "seine_src"), HONEST);
}

static void test_timing(void **state)
{
	uint32_t handshakes = 0, unknown = 0;

	(void)state;
	for (uint32_t i = 0; i < HONEST; i++) {
		struct seine_source s;

		assert_true(bed_source(bed, names[i], &s));
		handshakes += s.handshakes;
		unknown += s.gap_unknown;
		assert_in_range(s.rtt_min_us, 100, RTT_SLICES * SLICE_US);
		assert_int_equal(s.connections, s.handshakes);
	}
	assert_true(handshakes <= opened && handshakes >= opened - opened / MISSED);
	assert_int_equal(stats().flow_pickup, 0);
}

static void test_connections(void **state)
{
	uint32_t requests = stats().requests;

	(void)state;
	for (uint32_t i = 0; i < HONEST; i++) {
		struct seine_source s;

		talk_served(&clients[i], 4000);
		talk_data(&clients[i], 500);
		assert_true(bed_source(bed, names[i], &s));
		assert_int_equal(s.requests, 2);
		assert_int_equal(s.response_bytes, 4000);
	}
	assert_int_equal(stats().requests, requests + HONEST);
	assert_int_equal(stats().flow_evicted, 0);
}

static int open_all(void **state)
{
	const struct bed_sizes sizes = { 1 << 20, 1 << 16, 1 << 13, 1 << 13 };
	uint32_t zero = 0, fd;
	struct seine_cfg cfg;
	int r = bed_open(&sizes, &bed);

	(void)state;
	if (r)
		return r;
	flood = flood__open_and_load();
	if (!flood)
		return -1;
	fd = bed_prog(bed);
	bpf_map_update_elem(bpf_map__fd(flood->maps.flood_target), &zero, &fd, BPF_ANY);
	bed_config(bed, &cfg);
	cfg.syns_per_sec = SYNS_PER_SEC;
	bed_configure(bed, &cfg);
	greet();
	return 0;
}

static int close_all(void **state)
{
	(void)state;
	flood__destroy(flood);
	bed_close(bed);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "ten million spoofed SYNs leave no row", test_syns, NULL, NULL, NULL },
		{ "a million forged segments leave no row", test_segments, NULL, NULL, NULL },
		{ "handshakes in the flood keep their timing", test_timing, NULL, NULL, NULL },
		{ "connections go on", test_connections, NULL, NULL, NULL },
	};

	return cmocka_run_group_tests(tests, open_all, close_all);
}
