// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A hundred thousand broken packets through the program (TEST_LONG=1: a million). With no entry in
 * the lists none is dropped, each is counted once, and nothing inside fails.
 *
 * Packets are whole frames in which some bytes were changed, cut off, doubled or taken from
 * another one. The sequence is the same in every run.
 */
#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "tests/bpf/bed.h"

#define MUTANTS 100000
#define MUTANTS_LONG 1000000
#define FRAME_MIN 14 /* BPF_PROG_TEST_RUN takes nothing shorter */

static struct bed *bed;
static uint64_t seed = 0x5eed;

static uint32_t below(uint32_t n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (seed >> 16) % n;
}

#define BALANCED 8443 /* the port whose connections begin with a PROXY header */
#define INITIAL_BYTES 1200

static uint8_t hello[WIRE_MAX];
static uint8_t line4[600], line6[600], binary4[600], binary6[600], local[600];
static uint8_t initial[INITIAL_BYTES], initial2[INITIAL_BYTES];
static uint8_t records[900];

/* Of a PROXY header and the hello behind it. */
#define BALANCED_BYTES (52 + 517)

static const struct shape shapes[] = {
	{ .flags = TH_SYN, .options = OPTIONS_LINUX, .seq = 999 },
	{ .flags = TH_ACK, .seq = 1000, .options = OPTIONS_TIMESTAMP },
	{ .flags = TH_ACK, .seq = 1000, .payload = hello, .payload_len = 517 },
	{ .flags = TH_ACK, .seq = 1517, .ack = 3000, .payload_len = 900 },
	{ .flags = TH_FIN | TH_ACK, .seq = 2417 },
	{ .src = "2001:db8::7", .flags = TH_SYN, .options = OPTIONS_MACOS },
	{ .src = "2001:db8::7", .flags = TH_ACK, .seq = 1, .payload = hello, .payload_len = 517 },
	{ .src = "2001:db8::7", .ext = { EXT_HOP, 60, 43, 44, 51, 60 }, .flags = TH_SYN },
	{ .vlans = 2, .ip_options = 40, .flags = TH_SYN, .options = OPTIONS_FULL },
	{ .outer = 4, .flags = TH_SYN },
	{ .outer = 6, .src = "2001:db8::7", .flags = TH_SYN },
	{ .proto = IPPROTO_UDP, .payload_len = 100 },
	{ .flags = TH_SYN, .payload = hello, .payload_len = 517 },
	{ .fragment = 1, .more = 1 },
	{ .flags = TH_ACK, .seq = 1517, .ack = 3000, .payload = records, .payload_len = 900 },
	{ .proto = IPPROTO_UDP, .payload = initial, .payload_len = INITIAL_BYTES },
	{ .proto = IPPROTO_UDP, .payload = initial2, .payload_len = INITIAL_BYTES },
	{ .dport = BALANCED, .flags = TH_SYN, .seq = 999, .options = OPTIONS_LINUX },
	{ .dport = BALANCED, .flags = TH_ACK, .seq = 1000 },
	{ .dport = BALANCED,
	  .flags = TH_ACK,
	  .seq = 1000,
	  .payload = line4,
	  .payload_len = BALANCED_BYTES },
	{ .dport = BALANCED,
	  .flags = TH_ACK,
	  .seq = 1000,
	  .payload = line6,
	  .payload_len = BALANCED_BYTES },
	{ .dport = BALANCED,
	  .flags = TH_ACK,
	  .seq = 1000,
	  .payload = binary4,
	  .payload_len = BALANCED_BYTES },
	{ .dport = BALANCED,
	  .flags = TH_ACK,
	  .seq = 1000,
	  .payload = binary6,
	  .payload_len = BALANCED_BYTES },
	{ .dport = BALANCED,
	  .flags = TH_ACK,
	  .seq = 1000,
	  .payload = local,
	  .payload_len = BALANCED_BYTES },
};

#define SHAPES (sizeof(shapes) / sizeof(shapes[0]))

static struct wire wires[SHAPES];

static void mutate(struct wire *w)
{
	const struct wire *other = &wires[below(SHAPES)];
	uint32_t at, len;

	switch (below(5)) {
	case 0: w->bytes[below(w->len)] ^= 1 << below(8); break;
	case 1: w->bytes[below(w->len)] = below(256); break;
	case 2: w->len = FRAME_MIN + below(w->len - FRAME_MIN + 1); break;
	case 3:
		at = below(w->len);
		len = below(w->len - at);
		if (w->len + len < WIRE_MAX) {
			memmove(w->bytes + at + len, w->bytes + at, w->len - at);
			w->len += len;
		}
		break;
	default:
		at = below(other->len < w->len ? other->len : w->len);
		memcpy(w->bytes + at, other->bytes + at, other->len - at);
		w->len = other->len;
	}
}

/* Of exits there is one for each packet. */
static uint64_t exits(const struct seine_stats *s)
{
	uint64_t sum = 0;

#define X(name, text) \
	if (!strncmp(text, "passed", 6) || !strcmp(text, "dropped")) \
		sum += s->name;
	SEINE_COUNTERS(X)
#undef X
	return sum;
}

/* Runs so many; how many were dropped. */
static uint32_t run(uint32_t n)
{
	uint32_t dropped = 0;

	for (uint32_t i = 0; i < n; i++) {
		struct wire w = wires[below(SHAPES)];
		int verdict;

		for (uint32_t m = below(4); m; m--)
			mutate(&w);
		verdict = bed_run(bed, &w);
		if (verdict != XDP_PASS && verdict != XDP_DROP)
			fail_msg("packet %u: verdict %d", i, verdict);
		dropped += verdict == XDP_DROP;
		if (i % 100 == 0)
			bed_clock(bed, bed_now(bed) + 20000000);
	}
	return dropped;
}

static void test_no_lists(void **state)
{
	uint32_t n = getenv("TEST_LONG") ? MUTANTS_LONG : MUTANTS;
	struct seine_stats s;

	(void)state;
	assert_int_equal(run(n), 0);
	bed_stats(bed, &s);
	assert_int_equal(s.packets, n);
	assert_int_equal(exits(&s), n);
	assert_int_equal(s.dropped, 0);
	assert_int_equal(s.map_error, 0);
	assert_true(s.truncated && s.bad_header && s.not_ip && s.not_l4 && s.fragment &&
		    s.ext_chain && s.not_protected && s.flow_new && s.hello && s.hello_bad);
	assert_true(s.quic_initial && s.balanced && s.balancer_bad);
}

/* With lists of every kind the books still balance. */
static void test_lists(void **state)
{
	struct seine_stats s;
	uint32_t dropped;

	(void)state;
	bed_entry(bed, 0, "192.0.2.7/32",
		  &(struct seine_entry){ .action = SEINE_DROP, .hello_key = 1 });
	bed_entry(bed, 0, "192.0.2.0/24",
		  &(struct seine_entry){ .action = SEINE_LIMIT, .rate_pps = 9, .slot = 1 });
	bed_entry(bed, 0, "192.0.0.0/16", &(struct seine_entry){ .action = SEINE_DROP });
	bed_entry(bed, 0, "2001::/16",
		  &(struct seine_entry){ .action = SEINE_CANARY, .share = SEINE_SHARE / 2 });
	bed_allow(bed, "192.0.2.128/25", 0);
	dropped = run(MUTANTS);
	bed_stats(bed, &s);
	assert_int_equal(s.packets, MUTANTS);
	assert_int_equal(exits(&s), MUTANTS);
	assert_int_equal(s.dropped, dropped);
	assert_true(s.dropped && s.within_limit && s.allowed && s.canary_spared);
}

/* Headers of a balancer, each with a hello behind it. */
static void build_balanced(void)
{
	static const char signature[] = "\r\n\r\n\0\r\nQUIT\n";
	static const uint8_t ip4[] = { 203, 0, 113, 9, 198, 51, 100, 1, 0x9c, 0x40, 1, 0xbb };
	static const char text4[] = "PROXY TCP4 203.0.113.9 198.51.100.1 40000 443\r\n";
	static const char text6[] = "PROXY TCP6 2001:db8:9::9 2001:db8::1 40000 443\r\n";
	uint8_t ip6[36] = { 0x20, 1, 0xd, 0xb8, 0, 9, [15] = 9, 0x20, 1, 0xd, 0xb8, [31] = 1 };

	memcpy(ip6 + 32, ip4 + 8, 4);
	memcpy(line4, text4, sizeof(text4) - 1);
	memcpy(line4 + sizeof(text4) - 1, hello, 517);
	memcpy(line6, text6, sizeof(text6) - 1);
	memcpy(line6 + sizeof(text6) - 1, hello, 517);
	memcpy(binary4, signature, 12);
	memcpy(binary4 + 12, "\x21\x11\0\x0c", 4);
	memcpy(binary4 + 16, ip4, sizeof(ip4));
	memcpy(binary4 + 28, hello, 517);
	memcpy(binary6, signature, 12);
	memcpy(binary6 + 12, "\x21\x21\0\x24", 4);
	memcpy(binary6 + 16, ip6, sizeof(ip6));
	memcpy(binary6 + 52, hello, 517);
	memcpy(local, signature, 12);
	memcpy(local + 12, "\x20\0\0", 4);
	memcpy(local + 16, hello, 517);
}

/* Initials of both versions, and the records of a client's flight with a request. */
static void build_rest(void)
{
	uint32_t end = tls_append(records, 0, TLS_CCS, 1, 1);

	end = tls_append(records, end, TLS_23, 0, 53);
	end = tls_append(records, end, TLS_23, 0, 34);
	tls_append(records, end, TLS_23, 0, 700);
	memcpy(initial, "\xc3\0\0\0\1\x08", 6);
	memcpy(initial2, "\xd3\x6b\x33\x43\xcf\x08", 6);
}

/* All senders of the frames above are balancers. */
static void balance(struct seine_cfg *cfg)
{
	static struct seine_ports ports;
	uint32_t zero = 0;

	assert_int_equal(bpf_map_lookup_elem(bed_map(bed, "seine_ports"), &zero, &ports), 0);
	ports.tcp[BALANCED / 64] |= 1ull << BALANCED % 64;
	ports.balanced[BALANCED / 64] |= 1ull << BALANCED % 64;
	assert_int_equal(bpf_map_update_elem(bed_map(bed, "seine_ports"), &zero, &ports, 0), 0);
	wire_address("192.0.2.0", cfg->balancer[0].ip);
	cfg->balancer[0].len128 = 96 + 24;
	wire_address("2001:db8::", cfg->balancer[1].ip);
	cfg->balancer[1].len128 = 32;
}

static int reset(void **state)
{
	struct seine_cfg cfg;

	(void)state;
	bed_reset(bed);
	bed_config(bed, &cfg);
	cfg.decap = 1;
	balance(&cfg);
	bed_configure(bed, &cfg);
	return 0;
}

static int open_bed(void **state)
{
	int r = bed_open(NULL, &bed);

	(void)state;
	if (r)
		return r;
	tls_hello(&(struct hello_shape){ .stack = STACK_BROWSER, .bytes = 517 }, hello);
	build_balanced();
	build_rest();
	for (size_t i = 0; i < SHAPES; i++)
		wire_build(&shapes[i], &wires[i]);
	return 0;
}

static int close_bed(void **state)
{
	(void)state;
	bed_close(bed);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "broken packets pass, each counted once", test_no_lists, reset, NULL, NULL },
		{ "with lists, each counted once", test_lists, reset, NULL, NULL },
	};

	return cmocka_run_group_tests(tests, open_bed, close_bed);
}
