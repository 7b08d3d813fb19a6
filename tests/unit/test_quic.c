// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * QUIC Initial packets: the examples of RFC 9001 and RFC 9369 in both directions, and packets that
 * lie about their lengths.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "user/base/cleanup.h"
#include "user/sight/quic.h"
#include "tests/unit/hello_bytes.h"

#define EXAMPLE_FRAMES 1162 /* bytes, padding included */

/* RFC 9001 A.2, which RFC 9369 A.2 shares. */
static const char example_crypto[] =
	"060040f1010000ed0303ebf8fa56f12939b9584a3896472ec40bb863cfd3e868"
	"04fe3a47f06a2b69484c00000413011302010000c000000010000e00000b6578"
	"616d706c652e636f6dff01000100000a00080006001d00170018001000070005"
	"04616c706e000500050100000000003300260024001d00209370b2c9caa47fba"
	"baf4559fedba753de171fa71f50f1ce15d43e994ec74d748002b000302030400"
	"0d0010000e0403050306030203080408050806002d00020101001c0002400100"
	"3900320408ffffffffffffffff05048000ffff07048000ffff08011001048000"
	"75300901100f088394c8f03e51570806048000ffff";

static struct bytes frames, packet, expected;
static uint8_t plain[QUIC_PACKET_BYTES];
static struct quic_keys keys;

static void from_hex(const char *hex, struct bytes *ret)
{
	for (; *hex; hex += 2) {
		char digits[3] = { hex[0], hex[1] };

		bytes_number(ret, strtoul(digits, NULL, 16), 1);
	}
}

static void make_example(const struct initial *p)
{
	frames.len = packet.len = 0;
	from_hex(example_crypto, &frames);
	bytes_fill(&frames, 0, EXAMPLE_FRAMES - frames.len);
	initial_add(p, &frames, &packet);
}

/* Reads and opens what is in `packet`. */
static int open_packet(size_t *ret_len)
{
	struct quic_packet p;
	int r;

	r = quic_packet_read(packet.data, packet.len, &p);
	if (r < 0)
		return r;
	return quic_open_first(packet.data, &p, &keys, plain, ret_len);
}

static void expect_example(const struct initial *p, const char *head, const char *tail)
{
	struct quic_packet header;
	size_t len;

	make_example(p);
	expected.len = 0;
	from_hex(head, &expected);
	from_hex(tail, &expected);
	assert_int_equal(packet.len, 1200);
	assert_memory_equal(packet.data, expected.data, 32);
	assert_memory_equal(packet.data + packet.len - 16, expected.data + 32, 16);

	assert_int_equal(quic_packet_read(packet.data, packet.len, &header), 0);
	assert_true(header.initial);
	assert_int_equal(header.version, p->version);
	assert_int_equal(header.len, 1200);
	assert_int_equal(header.dcid_len, 8);
	assert_int_equal(open_packet(&len), 0);
	assert_int_equal(len, EXAMPLE_FRAMES);
	assert_memory_equal(plain, frames.data, len);
	assert_int_equal(quic_open(&keys, packet.data, &header, plain, &len), 0);
}

static void published_examples(void **state)
{
	(void)state;
	expect_example(&initial_v1,
		       "c000000001088394c8f03e5157080000449e7b9aec34d1b1c98dd7689fb8ec11",
		       "e221af44860018ab0856972e194cd934");
	expect_example(&initial_v2,
		       "d76b3343cf088394c8f03e5157080000449ea0c95e82ffe67b6abcdb4298b485",
		       "a18b2faa745b6fe189cf772a9f84cbfc");
}

/* Drafts, whose salts stand in section 5.2 of draft-ietf-quic-tls; and versions that are reserved. */
static void opens_other_versions(void **state)
{
	static const struct {
		uint32_t version;
		const char *salt;
		int result;
	} rows[] = {
		{ 0xff000015, "7fbcdb0e7c66bbe9193a96cd21519ebd7a02644a", -EBADMSG },
		{ 0xff000016, "7fbcdb0e7c66bbe9193a96cd21519ebd7a02644a", 0 },
		{ 0xff000017, "c3eef712c72ebb5a11a7d2432bb46365bef9f502", 0 },
		{ 0xff00001c, "c3eef712c72ebb5a11a7d2432bb46365bef9f502", 0 },
		{ 0xff00001d, "afbfec289993d24c9e9786f19c6111e04390a899", 0 },
		{ 0xff000020, "afbfec289993d24c9e9786f19c6111e04390a899", 0 },
		{ 0xff000021, "38762cf7f55934b34d179ae6a4c80cadccbb7f0a", 0 },
		{ 0xff000022, "38762cf7f55934b34d179ae6a4c80cadccbb7f0a", 0 },
		{ 0xff000023, "38762cf7f55934b34d179ae6a4c80cadccbb7f0a", -EBADMSG },
		{ 0x1a2a3a4a, "38762cf7f55934b34d179ae6a4c80cadccbb7f0a", 0 },
		{ 0x0a0a0a0a, "afbfec289993d24c9e9786f19c6111e04390a899", 0 },
		{ 0x0a0a0a0a, "c3eef712c72ebb5a11a7d2432bb46365bef9f502", -EBADMSG },
		{ 0x00000000, "38762cf7f55934b34d179ae6a4c80cadccbb7f0a", -EBADMSG },
		{ 0x00000002, "38762cf7f55934b34d179ae6a4c80cadccbb7f0a", -EBADMSG },
	};
	struct initial p = initial_v1;
	size_t len;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		expected.len = 0;
		from_hex(rows[i].salt, &expected);
		p.version = rows[i].version;
		p.salt = expected.data;
		make_example(&p);
		if (open_packet(&len) != rows[i].result)
			fail_msg("row %zu", i);
	}
}

static void refuses_what_was_changed(void **state)
{
	size_t len;

	(void)state;
	for (size_t at = 0; at < 1200; at += at < 40 ? 1 : 97) {
		make_example(&initial_v1);
		packet.data[at] ^= 1;
		if (open_packet(&len) != -EBADMSG)
			fail_msg("byte %zu", at);
	}
}

static void refuses_what_is_cut(void **state)
{
	struct quic_packet p;

	(void)state;
	make_example(&initial_v1);
	for (size_t len = 0; len < packet.len; len++) {
		_cleanup_(freep) uint8_t *copy = malloc(len ? len : 1);

		assert_non_null(copy);
		memcpy(copy, packet.data, len);
		assert_int_equal(quic_packet_read(copy, len, &p), -EBADMSG);
	}
}

static void measures_packets(void **state)
{
	struct quic_packet p;

	(void)state;
	packet.len = 0;
	from_hex("e000000001"
		 "0411223344"
		 "0155"
		 "03aabbcc",
		 &packet);
	bytes_fill(&packet, 0, 9);
	assert_int_equal(quic_packet_read(packet.data, packet.len, &p), 0);
	assert_false(p.initial);
	assert_int_equal(p.len, packet.len - 9);
	assert_int_equal(p.dcid_len, 4);

	packet.data[0] = 0xf0; /* Retry has no length */
	assert_int_equal(quic_packet_read(packet.data, packet.len, &p), -EBADMSG);
	packet.data[0] = 0xc0; /* an Initial with too little to take a sample of */
	assert_int_equal(quic_packet_read(packet.data, packet.len, &p), -EBADMSG);
	packet.data[0] = 0x60; /* a short header */
	assert_int_equal(quic_packet_read(packet.data, packet.len, &p), -EBADMSG);

	packet.len = 0;
	from_hex("e00000000115", &packet); /* an id of 21 bytes */
	bytes_fill(&packet, 0, 64);
	assert_int_equal(quic_packet_read(packet.data, packet.len, &p), -EBADMSG);
}

/* Too small to hold its tag, or larger than any. */
static void refuses_odd_sizes(void **state)
{
	struct quic_packet p;
	size_t len;

	(void)state;
	frames.len = packet.len = 0;
	bytes_fill(&frames, 0, QUIC_PACKET_BYTES);
	initial_add(&initial_v1, &frames, &packet);
	assert_int_equal(open_packet(&len), -EBADMSG);

	frames.len = packet.len = 0;
	initial_add(&initial_v1, &frames, &packet);
	assert_int_equal(open_packet(&len), 0);
	assert_int_equal(len, 0);

	assert_int_equal(quic_packet_read(packet.data, packet.len, &p), 0);
	p.initial = false;
	assert_int_equal(quic_open(&keys, packet.data, &p, plain, &len), -EBADMSG);
}

#define ACK_FRAME "02054001020103040506" /* largest, delay, two ranges behind the first */
#define ACK_ECN_FRAME "0305000001070809" /* no range behind the first; three counts */
#define CLOSE_FRAME "1c0a06026162"
#define CRYPTO_FRAME "064048026263" /* at 72, 2 bytes */

/* How many CRYPTO frames there are before the end, or -EBADMSG. */
static int count_crypto(const char *hex, struct quic_crypto *ret)
{
	size_t at = 0;
	int r, n = 0;

	frames.len = 0;
	from_hex(hex, &frames);
	while ((r = quic_crypto_next(frames.data, frames.len, &at, ret)) > 0)
		n++;
	return r < 0 ? r : n;
}

static void reads_frames(void **state)
{
	struct quic_crypto crypto;

	(void)state;
	assert_int_equal(count_crypto("", &crypto), 0);
	assert_int_equal(count_crypto("00010000", &crypto), 0);
	assert_int_equal(count_crypto(ACK_FRAME ACK_ECN_FRAME CLOSE_FRAME "00", &crypto), 0);
	assert_int_equal(count_crypto("06000161" ACK_FRAME "01" ACK_ECN_FRAME CRYPTO_FRAME "00",
				      &crypto),
			 2);
	assert_int_equal(crypto.offset, 72);
	assert_int_equal(crypto.len, 2);
	assert_memory_equal(crypto.data, "bc", 2);
	/* A type may be written in more bytes than it needs. */
	assert_int_equal(count_crypto("4006000161", &crypto), 1);
	assert_int_equal(count_crypto("0600c00000000000000161", &crypto), 1);
}

static void refuses_bad_frames(void **state)
{
	static const char *const whole[] = { ACK_FRAME, ACK_ECN_FRAME, CLOSE_FRAME, CRYPTO_FRAME };
	static const char *const other[] = { "04", "05", "07", "08", "1d", "1e", "4041" };
	struct quic_crypto crypto;
	char cut[64];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(other); i++)
		assert_int_equal(count_crypto(other[i], &crypto), -EBADMSG);
	for (size_t i = 0; i < ARRAY_LEN(whole); i++) {
		for (size_t len = 2; len < strlen(whole[i]); len += 2) {
			memset(cut, 0, sizeof(cut));
			memcpy(cut, whole[i], len);
			assert_int_equal(count_crypto(cut, &crypto), -EBADMSG);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(published_examples),
		cmocka_unit_test(opens_other_versions),
		cmocka_unit_test(refuses_what_was_changed),
		cmocka_unit_test(refuses_what_is_cut),
		cmocka_unit_test(measures_packets),
		cmocka_unit_test(refuses_odd_sizes),
		cmocka_unit_test(reads_frames),
		cmocka_unit_test(refuses_bad_frames),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
