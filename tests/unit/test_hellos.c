// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * ClientHellos from pieces: in any order, twice, overlapping, in any records, in any QUIC frames;
 * and what is forgotten.
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
#include "user/sight/hellos.h"
#include "tests/unit/hello_bytes.h"

#define KEY 77
#define SECOND 1000000000ull

static struct hellos *hellos;
static struct hello_sight sight;
static struct bytes message, stream, frames, datagram;
static uint64_t clock_ns;

static int begin(void **state)
{
	(void)state;
	clock_ns = SECOND;
	return hellos_new(8, &hellos);
}

static int end(void **state)
{
	(void)state;
	hellos_free(hellos);
	return 0;
}

static struct hellos_stats stats(void)
{
	struct hellos_stats s;

	hellos_stats(hellos, &s);
	return s;
}

static int add(struct seine_segment piece, const uint8_t *data, size_t len)
{
	assert_true(len <= SEINE_SEGMENT);
	piece.event = SEINE_EVENT_HELLO;
	piece.time_ns = clock_ns++;
	piece.len = len;
	memcpy(piece.data, data, len);
	memset(&sight, 0xee, sizeof(sight));
	return hellos_add(hellos, &piece, &sight);
}

/* Bytes [from, to) of `stream`. */
static int add_part(uint64_t tag, size_t from, size_t to)
{
	return add((struct seine_segment){ .tag = tag, .hello_key = KEY, .offset = from },
		   stream.data + from, to - from);
}

static int add_keyless(uint64_t tag, uint32_t flags, size_t from, size_t to)
{
	return add((struct seine_segment){ .tag = tag, .flags = flags, .offset = from },
		   stream.data + from, to - from);
}

static int add_datagram(uint64_t tag)
{
	return add((struct seine_segment){ .tag = tag, .flags = SEINE_F_QUIC }, datagram.data,
		   datagram.len);
}

static void make_stream(uint8_t seed, size_t padding, size_t record_len)
{
	stream.len = 0;
	hello_make(seed, padding, &message);
	records_add(&message, record_len, &stream);
}

static void make_datagram(const struct initial *p)
{
	datagram.len = 0;
	initial_add(p, &frames, &datagram);
}

static void tells_all(void **state)
{
	struct seine_segment piece = { .tag = 5,
				       .hello_key = KEY,
				       .flags = SEINE_F_SAMPLED,
				       .source = { .ip = { 1, 2, 3 } },
				       .sport = 1000,
				       .dport = 443 };

	(void)state;
	make_stream(1, 0, 16384);
	assert_int_equal(add(piece, stream.data, stream.len), 1);
	assert_true(sight.tag == 5 && sight.hello_key == KEY && sight.time_ns == SECOND);
	assert_memory_equal(&sight.source, &piece.source, sizeof(piece.source));
	assert_int_equal(sight.sport, 1000);
	assert_int_equal(sight.dport, 443);
	assert_int_equal(sight.flags, SEINE_F_SAMPLED);
	assert_string_equal(sight.ja4, "t" HELLO_JA4);
	assert_string_equal(sight.ja4_stable, "t" HELLO_JA4_STABLE);
	assert_int_equal(stats().complete, 1);
}

static void takes_any_order(void **state)
{
	static const uint8_t orders[][3] = { { 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 },
					     { 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 } };
	static const size_t cuts[] = { 0, 70, 140, 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(orders); i++) {
		make_stream(1, 100, 16384);
		for (int k = 0; k < 3; k++) {
			size_t from = cuts[orders[i][k]], to = cuts[orders[i][k] + 1];

			assert_int_equal(add_part(i + 1, from, to ? to : stream.len), k == 2);
		}
		assert_string_equal(sight.ja4, "t" HELLO_JA4_PADDED);
		assert_string_equal(sight.ja4_stable, "t" HELLO_JA4_STABLE);
	}
	assert_int_equal(stats().complete, ARRAY_LEN(orders));
	assert_int_equal(stats().forgotten, 0);
}

static void takes_any_records(void **state)
{
	(void)state;
	for (size_t record = 1; record < 60; record += 7) {
		for (size_t segment = 1; segment < 60; segment += 9) {
			uint64_t tag = record * 100 + segment;

			make_stream(record, 30, record);
			for (size_t at = 0; at + segment < stream.len; at += segment)
				assert_int_equal(add_part(tag, at, at + segment), 0);
			assert_int_equal(add_part(tag, stream.len - segment, stream.len), 1);
			assert_string_equal(sight.ja4, "t" HELLO_JA4_PADDED);
		}
	}
}

/* As large as any that a capture has shown. */
static void takes_large_hellos(void **state)
{
	size_t at;

	(void)state;
	make_stream(1, 60000, 16384);
	for (at = 0; at + SEINE_SEGMENT < stream.len; at += SEINE_SEGMENT)
		assert_int_equal(add_part(1, at, at + SEINE_SEGMENT), 0);
	assert_int_equal(add_part(1, at, stream.len), 1);
	assert_string_equal(sight.ja4, "t" HELLO_JA4_PADDED);
}

static void first_bytes_stay(void **state)
{
	uint8_t other[100];

	(void)state;
	make_stream(1, 0, 16384);
	assert_int_equal(add_part(1, 60, 100), 0);
	memset(other, 0xff, sizeof(other));
	memcpy(other, stream.data + 50, 10);
	memcpy(other + 50, stream.data + 100, 10);
	assert_int_equal(add((struct seine_segment){ .tag = 1, .hello_key = KEY, .offset = 50 },
			     other, 60),
			 0);
	assert_int_equal(add_part(1, 0, 50), 0);
	assert_int_equal(add_part(1, 0, stream.len), 1);
	assert_string_equal(sight.ja4, "t" HELLO_JA4);
}

static void says_it_once(void **state)
{
	(void)state;
	make_stream(1, 100, 16384);
	assert_int_equal(add_part(1, 0, stream.len), 1);
	assert_int_equal(add_part(1, 0, stream.len), 0);
	assert_int_equal(add_part(1, 100, stream.len), 0);
	assert_int_equal(add_part(1, 0, 100), 0);
	assert_int_equal(add_part(1, 100, stream.len), 0);

	/* A second hello of the connection, or one of another connection with its tag. */
	make_stream(2, 0, 16384);
	assert_int_equal(add_part(1, 0, stream.len), 1);
	assert_int_equal(add_part(2, 0, stream.len), 1);
	assert_int_equal(stats().complete, 3);
	assert_int_equal(stats().forgotten, 0);
}

/* What comes again of hellos that are known takes no place. */
static void keeps_no_place_for_what_is_known(void **state)
{
	(void)state;
	make_stream(1, 100, 16384);
	for (uint64_t tag = 1; tag <= 8; tag++) {
		assert_int_equal(add_part(tag, 0, stream.len), 1);
		assert_int_equal(add_part(tag, 100, stream.len), 0);
	}
	for (uint64_t tag = 11; tag <= 18; tag++)
		assert_int_equal(add_part(tag, 100, stream.len), 0);
	assert_int_equal(stats().forgotten, 0);
}

static void skips_change_cipher_spec(void **state)
{
	(void)state;
	stream.len = 0;
	bytes_number(&stream, 0x140303000101, 6);
	hello_make(1, 0, &message);
	records_add(&message, 16384, &stream);
	assert_int_equal(add_part(1, 0, stream.len), 1);
	assert_int_equal(add_part(2, 0, 5), 0);
	assert_int_equal(add_part(2, 5, 9), 0);
	assert_int_equal(add_part(2, 9, stream.len), 1);
}

/* Pieces before the first one count from the connection's first byte. */
static void knows_where_the_hello_begins(void **state)
{
	(void)state;
	make_stream(1, 100, 16384);
	assert_int_equal(add_keyless(1, 0, 100, stream.len), 0);
	assert_int_equal(add_part(1, 0, 100), 1);

	/* The hello is not the first data: where the piece belongs is not known. */
	assert_int_equal(add_keyless(2, 0, 100, stream.len), 0);
	assert_int_equal(add((struct seine_segment){ .tag = 2,
						     .hello_key = KEY,
						     .flags = SEINE_F_LATE_HELLO },
			     stream.data, 100),
			 0);
	assert_int_equal(stats().forgotten, 1);
	assert_int_equal(add_keyless(2, SEINE_F_LATE_HELLO, 100, stream.len), 0);
	assert_int_equal(add_part(2, 100, stream.len), 1);
	assert_string_equal(sight.ja4, "t" HELLO_JA4_PADDED);
}

static void refuses_other_bytes(void **state)
{
	(void)state;
	stream.len = 0;
	bytes_add(&stream, "GET / HTTP/1.1\r\n\r\n", 18);
	assert_int_equal(add_part(1, 0, stream.len), -EBADMSG);
	make_stream(1, 0, 16384);
	message.data[0] = 2;
	stream.len = 0;
	records_add(&message, 16384, &stream);
	assert_int_equal(add_part(2, 0, stream.len), -EBADMSG);
	/* Lengths inside do not fit. */
	make_stream(1, 0, 16384);
	stream.data[stream.len - 1] = 1;
	assert_int_equal(add_part(3, 0, stream.len), -EBADMSG);
	assert_int_equal(add_part(4, 0, 60), 0);
	assert_int_equal(add_part(4, 60, stream.len), -EBADMSG);
	/* Longer than hellos are let be: by its own length, and by a piece's place. */
	stream.data[6] = 1;
	assert_int_equal(add_part(5, 0, stream.len), -EBADMSG);
	assert_int_equal(add((struct seine_segment){ .tag = 6, .offset = HELLOS_BYTES - 10 },
			     stream.data, 11),
			 -EBADMSG);
	assert_int_equal(stats().bad, 6);
	assert_int_equal(stats().forgotten, 1);
	assert_int_equal(stats().complete, 0);
	assert_int_equal(add_part(7, 0, 0), 0);
}

static void refuses_a_length_that_lies(void **state)
{
	struct seine_segment piece = { .tag = 1, .len = SEINE_SEGMENT + 1 };

	(void)state;
	assert_int_equal(hellos_add(hellos, &piece, &sight), -EBADMSG);
}

static void forgets_the_oldest(void **state)
{
	(void)state;
	make_stream(1, 100, 16384);
	for (uint64_t tag = 1; tag <= 10; tag++)
		assert_int_equal(add_part(tag, 0, 100), 0);
	assert_int_equal(stats().forgotten, 2);
	assert_int_equal(add_part(3, 100, stream.len), 1);
	assert_int_equal(add_part(10, 100, stream.len), 1);
	assert_int_equal(add_part(1, 100, stream.len), 0);
	assert_int_equal(stats().forgotten, 2);
}

/* Eight times 64 KiB are more than eight hellos may take. */
static void keeps_its_budget(void **state)
{
	(void)state;
	make_stream(1, 100, 16384);
	for (uint64_t tag = 1; tag <= 8; tag++)
		assert_int_equal(add((struct seine_segment){ .tag = tag,
							     .hello_key = KEY,
							     .offset = HELLOS_BYTES - 10 },
				     stream.data, 10),
				 0);
	assert_int_equal(stats().forgotten, 7);
}

static void gives_up_after_a_minute(void **state)
{
	(void)state;
	make_stream(1, 100, 16384);
	assert_int_equal(add_part(1, 0, 100), 0);
	clock_ns += 61 * SECOND;
	assert_int_equal(add_part(1, 100, stream.len), 0);
	assert_int_equal(stats().forgotten, 1);
	assert_int_equal(add_part(1, 0, 100), 1);
}

static void bounds_holes(void **state)
{
	int r = 0;

	(void)state;
	make_stream(1, 1000, 16384);
	for (size_t at = 1; !r && at + 1 < stream.len; at += 2)
		r = add_part(1, at, at + 1);
	assert_int_equal(r, -EBADMSG);
	assert_int_equal(stats().forgotten, 1);
}

/* ---- QUIC ---- */

static void opens_quic(void **state)
{
	(void)state;
	hello_make(1, 900, &message);
	frames.len = 0;
	crypto_add(&message, 0, message.len, &frames);
	make_datagram(&initial_v1);
	assert_int_equal(add_datagram(1), 1);
	assert_string_equal(sight.ja4, "q" HELLO_JA4_PADDED);
	assert_string_equal(sight.ja4_stable, "q" HELLO_JA4_STABLE);
	assert_int_equal(add_datagram(1), 0);
	make_datagram(&initial_v2);
	assert_int_equal(add_datagram(2), 1);
	assert_int_equal(stats().complete, 2);
}

/* Frames of one packet, and of two datagrams, in the wrong order, with something between them. */
static void sorts_quic_frames(void **state)
{
	struct initial second = initial_v1;

	(void)state;
	hello_make(1, 100, &message);
	frames.len = 0;
	crypto_add(&message, 60, 20, &frames);
	bytes_number(&frames, 0x000100, 3);
	crypto_add(&message, 90, message.len - 90, &frames);
	crypto_add(&message, 50, 20, &frames);
	make_datagram(&initial_v1);
	assert_int_equal(add_datagram(1), 0);

	frames.len = 0;
	crypto_add(&message, 80, 10, &frames);
	crypto_add(&message, 0, 50, &frames);
	second.number = 3;
	second.id[0]++; /* as after the server's first packet: the keys stay */
	make_datagram(&second);
	assert_int_equal(add_datagram(1), 1);
	assert_string_equal(sight.ja4, "q" HELLO_JA4_PADDED);
	assert_int_equal(stats().bad, 0);
}

/* Two packets in one datagram; what has another id is not the client's. */
static void opens_coalesced_packets(void **state)
{
	struct initial second = initial_v1;

	(void)state;
	hello_make(1, 100, &message);
	for (uint64_t tag = 1; tag <= 2; tag++) {
		second.number = 3;
		second.id[0] += tag - 1;
		frames.len = datagram.len = 0;
		crypto_add(&message, 0, 80, &frames);
		initial_add(&initial_v1, &frames, &datagram);
		frames.len = 0;
		crypto_add(&message, 80, message.len - 80, &frames);
		initial_add(&second, &frames, &datagram);
		bytes_fill(&datagram, 0, 20);
		assert_int_equal(add_datagram(tag), tag == 1);
	}
}

static void begins_again_after_retry(void **state)
{
	struct initial again = initial_v1;

	(void)state;
	hello_make(1, 100, &message);
	frames.len = 0;
	crypto_add(&message, 0, 80, &frames);
	make_datagram(&initial_v1);
	assert_int_equal(add_datagram(1), 0);

	memset(again.id, 9, sizeof(again.id));
	memset(again.key_id, 9, sizeof(again.key_id));
	frames.len = 0;
	crypto_add(&message, 0, message.len, &frames);
	make_datagram(&again);
	assert_int_equal(add_datagram(1), 1);

	/* The same hello under other keys says nothing new. */
	make_datagram(&initial_v1);
	assert_int_equal(add_datagram(1), 0);
}

static void refuses_what_it_cannot_open(void **state)
{
	struct initial server = initial_v1;

	(void)state;
	hello_make(1, 0, &message);
	frames.len = 0;
	crypto_add(&message, 0, message.len, &frames);
	server.id[0]++;
	make_datagram(&server);
	assert_int_equal(add_datagram(1), -EBADMSG);
	/* Of a connection whose hello is known this is no news. */
	make_datagram(&initial_v1);
	assert_int_equal(add_datagram(1), 1);
	make_datagram(&server);
	assert_int_equal(add_datagram(1), 0);

	datagram.len = 0;
	bytes_fill(&datagram, 0x40, 100);
	assert_int_equal(add_datagram(2), -EBADMSG);
	/* Not a hello inside; and frames that have no place there. */
	message.data[0] = 2;
	frames.len = 0;
	crypto_add(&message, 0, message.len, &frames);
	make_datagram(&initial_v1);
	assert_int_equal(add_datagram(3), -EBADMSG);
	frames.len = 0;
	bytes_fill(&frames, 8, 30);
	make_datagram(&initial_v1);
	assert_int_equal(add_datagram(4), -EBADMSG);
	assert_int_equal(stats().bad, 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(tells_all, begin, end),
		cmocka_unit_test_setup_teardown(takes_any_order, begin, end),
		cmocka_unit_test_setup_teardown(takes_any_records, begin, end),
		cmocka_unit_test_setup_teardown(takes_large_hellos, begin, end),
		cmocka_unit_test_setup_teardown(first_bytes_stay, begin, end),
		cmocka_unit_test_setup_teardown(says_it_once, begin, end),
		cmocka_unit_test_setup_teardown(keeps_no_place_for_what_is_known, begin, end),
		cmocka_unit_test_setup_teardown(skips_change_cipher_spec, begin, end),
		cmocka_unit_test_setup_teardown(knows_where_the_hello_begins, begin, end),
		cmocka_unit_test_setup_teardown(refuses_other_bytes, begin, end),
		cmocka_unit_test_setup_teardown(refuses_a_length_that_lies, begin, end),
		cmocka_unit_test_setup_teardown(forgets_the_oldest, begin, end),
		cmocka_unit_test_setup_teardown(keeps_its_budget, begin, end),
		cmocka_unit_test_setup_teardown(gives_up_after_a_minute, begin, end),
		cmocka_unit_test_setup_teardown(bounds_holes, begin, end),
		cmocka_unit_test_setup_teardown(opens_quic, begin, end),
		cmocka_unit_test_setup_teardown(sorts_quic_frames, begin, end),
		cmocka_unit_test_setup_teardown(opens_coalesced_packets, begin, end),
		cmocka_unit_test_setup_teardown(begins_again_after_retry, begin, end),
		cmocka_unit_test_setup_teardown(refuses_what_it_cannot_open, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
