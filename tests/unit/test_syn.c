// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a SYN says of its sender's TCP stack.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "bpf/syn.h"
#include "tests/bpf/packet.h"

static struct seine_syn read_shape(const struct shape *s)
{
	struct seine_syn syn;
	struct packet p = { 0 };
	struct frame f;
	struct wire w;

	wire_build(s, &w);
	f = (struct frame){ w.bytes, w.bytes + w.len };
	assert_int_equal(parse_packet(&f, 0, &p), PARSE_OK);
	syn_read(&f, &p, &syn);
	return syn;
}

/* Option kinds in their order, first one lowest. */
static uint64_t layout(const uint8_t *kinds, int n)
{
	uint64_t l = 0;

	for (int i = 0; i < n; i++)
		l |= (uint64_t)kinds[i] << (4 * i);
	return l;
}

#define LAYOUT(...) \
	layout((const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ }))

enum {
	EOL = SEINE_OPT_EOL,
	NOP = SEINE_OPT_NOP,
	MSS = SEINE_OPT_MSS,
	WS = SEINE_OPT_WSCALE,
	SACK = SEINE_OPT_SACK_OK,
	TS = SEINE_OPT_TIMESTAMP
};

static void test_linux(void **state)
{
	struct seine_syn s = read_shape(&(struct shape){
		.flags = TCP_SYN, .df = 1, .id = 5, .seq = 9, .options = OPTIONS_LINUX });

	(void)state;
	assert_true(s.layout == LAYOUT(MSS, SACK, TS, NOP, WS));
	assert_int_equal(s.mss, 1460);
	assert_int_equal(s.wscale, 7);
	assert_int_equal(s.window, 64240);
	assert_int_equal(s.ttl, 64);
	assert_int_equal(s.quirks, SEINE_Q_DF | SEINE_Q_ID_PLUS);
}

static void test_windows(void **state)
{
	struct seine_syn s = read_shape(&(struct shape){ .flags = TCP_SYN,
							 .df = 1,
							 .id = 5,
							 .seq = 9,
							 .ttl = 117,
							 .options = OPTIONS_WINDOWS });

	(void)state;
	assert_true(s.layout == LAYOUT(MSS, NOP, WS, NOP, NOP, SACK));
	assert_int_equal(s.wscale, 8);
	assert_int_equal(s.ttl, 128);
}

static void test_macos(void **state)
{
	struct seine_syn s = read_shape(
		&(struct shape){ .flags = TCP_SYN, .df = 1, .seq = 9, .options = OPTIONS_MACOS });

	(void)state;
	assert_true(s.layout == LAYOUT(MSS, NOP, WS, NOP, NOP, TS, SACK, EOL));
	assert_int_equal(s.quirks, SEINE_Q_DF);
}

static void test_no_options(void **state)
{
	struct seine_syn s = read_shape(&(struct shape){ .flags = TCP_SYN, .seq = 9, .id = 1 });

	(void)state;
	assert_true(s.layout == 0);
	assert_int_equal(s.mss, 0);
	assert_int_equal(s.wscale, 255);
	assert_int_equal(s.quirks, 0);
}

static void test_ttl(void **state)
{
	static const uint8_t classes[][2] = {
		{ 1, 32 },   { 32, 32 },   { 33, 64 },	 { 64, 64 },
		{ 65, 128 }, { 128, 128 }, { 129, 255 }, { 255, 255 }
	};

	(void)state;
	for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++)
		assert_int_equal(syn_ttl(classes[i][0]), classes[i][1]);
}

struct quirk {
	struct shape shape;
	uint16_t quirks;
};

#define SYN4 .flags = TCP_SYN, .seq = 9, .id = 1

static const struct quirk quirks[] = {
	{ { .src = "2001:db8::1", .flags = TCP_SYN, .seq = 9 }, SEINE_Q_V6 },
	{ { .src = "2001:db8::1", .flags = TCP_SYN, .seq = 9, .flow_label = 1 },
	  SEINE_Q_V6 | SEINE_Q_FLOW },
	{ { .flags = TCP_SYN, .seq = 9 }, SEINE_Q_ID_MINUS },
	{ { .flags = TCP_SYN, .seq = 9, .df = 1 }, SEINE_Q_DF },
	{ { .flags = TCP_SYN, .id = 1 }, SEINE_Q_SEQ_ZERO },
	{ { .flags = TCP_SYN | TCP_ECE | TCP_CWR, .seq = 9, .id = 1 }, SEINE_Q_ECN },
	{ { SYN4, .tos = 2 }, SEINE_Q_ECN },
	{ { SYN4, .ack = 5 }, SEINE_Q_ACK_PLUS },
	{ { SYN4, .urgent = 5 }, SEINE_Q_URG },
	{ { .flags = TCP_SYN | TCP_URG, .seq = 9, .id = 1 }, SEINE_Q_URG },
	{ { .flags = TCP_SYN | TCP_PSH, .seq = 9, .id = 1 }, SEINE_Q_PUSH },
	{ { SYN4, .ip_options = 4 }, SEINE_Q_IP_OPTIONS },
	{ { SYN4, .payload_len = 5 }, SEINE_Q_DATA },
	{ { SYN4, .options = OPTIONS_TIMESTAMP }, SEINE_Q_TS_PEER },
	{ { SYN4, .options = OPTIONS_OVERRUN }, SEINE_Q_BAD },
	{ { SYN4, .options = OPTIONS_ZERO }, SEINE_Q_BAD },
};

static void test_quirks(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(quirks) / sizeof(quirks[0]); i++)
		assert_int_equal(read_shape(&quirks[i].shape).quirks, quirks[i].quirks);
}

/* Forty bytes of one option: sixteen are read, the rest does not matter. */
static void test_many_options(void **state)
{
	struct seine_syn s = read_shape(&(struct shape){ SYN4, .options = OPTIONS_FULL });

	(void)state;
	assert_true(s.layout == 0x1111111111111111);
	assert_int_equal(s.quirks, 0);
}

static void test_own_options(void **state)
{
	struct shape shape = { SYN4, .options = OPTIONS_FULL };
	struct seine_syn s;
	struct packet p = { 0 };
	struct frame f;
	struct wire w;

	(void)state;
	wire_build(&shape, &w);
	memcpy(w.bytes + w.l4 + 20, "\x03\x03\x0f\x08\x0a\0\0\0\0\0\0\0\0\x05\x0a", 15);
	memcpy(w.bytes + w.l4 + 33, "\x05\x0a\0\0\0\0\0\0\0\0\x22\x04\0\0\x02\x05\0\0\0\0", 20);
	f = (struct frame){ w.bytes, w.bytes + w.len };
	assert_int_equal(parse_packet(&f, 0, &p), PARSE_OK);
	syn_read(&f, &p, &s);
	assert_int_equal(s.wscale, 15);
	assert_true((s.quirks & (SEINE_Q_EXCESS | SEINE_Q_TS_ZERO)) ==
		    (SEINE_Q_EXCESS | SEINE_Q_TS_ZERO));
	/* An MSS of the wrong size is another option, and then comes the end. */
	assert_true(s.layout ==
		    LAYOUT(WS, TS, SEINE_OPT_SACK, SEINE_OPT_OTHER, SEINE_OPT_OTHER, EOL));
	assert_int_equal(s.mss, 0);
}

/* Equal bytes, equal stack: no byte is left over from before. */
static void test_all_set(void **state)
{
	struct seine_syn a = read_shape(&(struct shape){ SYN4, .options = OPTIONS_LINUX });
	struct seine_syn b =
		read_shape(&(struct shape){ SYN4, .sport = 7, .options = OPTIONS_LINUX });

	(void)state;
	assert_memory_equal(&a, &b, sizeof(a));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_linux),	     cmocka_unit_test(test_windows),
		cmocka_unit_test(test_macos),	     cmocka_unit_test(test_no_options),
		cmocka_unit_test(test_ttl),	     cmocka_unit_test(test_quirks),
		cmocka_unit_test(test_many_options), cmocka_unit_test(test_own_options),
		cmocka_unit_test(test_all_set),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
