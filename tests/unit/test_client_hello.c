// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * ClientHello -> struct: what is read, and that no length is believed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "user/base/cleanup.h"
#include "user/sight/client_hello.h"
#include "tests/unit/hello_bytes.h"

static struct bytes wire;
static struct client_hello hello;

/* An allocation of the exact size: a read past the message is a read past the heap. */
static int parse(const struct bytes *b)
{
	_cleanup_(freep) uint8_t *copy = malloc(b->len ? b->len : 1);
	int r;

	assert_non_null(copy);
	memcpy(copy, b->data, b->len);
	r = client_hello_parse(copy, b->len, &hello);
	hello.alpn = NULL; /* pointed into the copy */
	return r;
}

/* Fields whose lengths a test may choose. */
struct spec {
	size_t session, cipher_bytes, compression, extension_bytes;
	const char *extensions;
	bool no_extensions;
};

static int parse_spec(struct spec s)
{
	size_t message, list;

	wire.len = 0;
	bytes_number(&wire, CLIENT_HELLO, 1);
	message = bytes_open(&wire, 3);
	bytes_number(&wire, 0x0301, 2);
	bytes_fill(&wire, 7, 32);
	bytes_number(&wire, s.session, 1);
	bytes_fill(&wire, 8, s.session);
	bytes_number(&wire, s.cipher_bytes, 2);
	bytes_fill(&wire, 9, s.cipher_bytes);
	bytes_number(&wire, s.compression, 1);
	bytes_fill(&wire, 0, s.compression);
	if (!s.no_extensions) {
		list = bytes_open(&wire, 2);
		bytes_add(&wire, s.extensions, s.extension_bytes);
		bytes_close(&wire, list, 2);
	}
	bytes_close(&wire, message, 3);
	return parse(&wire);
}

#define EXTENSIONS(text) .extensions = (text), .extension_bytes = sizeof(text) - 1
#define LEAST .cipher_bytes = 2, .compression = 1

static void reads_all(void **state)
{
	static const uint16_t ciphers[] = { 0x2a2a, 0x1301, 0xc02f, 0x1302 };
	static const uint16_t extensions[] = { 0x8a8a, 0x0000, 0x0010, 0x002b,
					       0x000d, 0x0023, 0x0015 };
	static const uint16_t signatures[] = { 0x0403, 0x0804, 0x0401 };

	(void)state;
	hello_make(1, 5, &wire);
	assert_int_equal(client_hello_parse(wire.data, wire.len, &hello), 0);
	assert_int_equal(hello.legacy_version, 0x0303);
	assert_int_equal(hello.version, 0x0304);
	assert_true(hello.sni);
	assert_false(hello.psk || hello.early_data);
	assert_int_equal(hello.alpn_len, 2);
	assert_memory_equal(hello.alpn, "h2", 2);
	assert_int_equal(hello.cipher_count, ARRAY_LEN(ciphers));
	assert_memory_equal(hello.ciphers, ciphers, sizeof(ciphers));
	assert_int_equal(hello.extension_count, ARRAY_LEN(extensions));
	assert_memory_equal(hello.extensions, extensions, sizeof(extensions));
	assert_int_equal(hello.signature_count, ARRAY_LEN(signatures));
	assert_memory_equal(hello.signatures, signatures, sizeof(signatures));
}

static void reads_resumption(void **state)
{
	(void)state;
	assert_int_equal(parse_spec((struct spec){ LEAST, EXTENSIONS("\0\x2a\0\0\0\x29\0\1x") }),
			 0);
	assert_true(hello.psk && hello.early_data);
}

static void reads_the_least(void **state)
{
	(void)state;
	assert_int_equal(parse_spec((struct spec){ LEAST, .no_extensions = true }), 0);
	assert_int_equal(hello.extension_count, 0);
	assert_int_equal(parse_spec((struct spec){ LEAST, EXTENSIONS("") }), 0);
	assert_int_equal(parse_spec((struct spec){ LEAST, .session = 32 }), 0);
	assert_int_equal(hello.legacy_version, 0x0301);
	assert_int_equal(hello.version, 0);
}

/* Every part of a hello, with the length in its header made to fit and not. */
static void refuses_cut_hellos(void **state)
{
	size_t whole;

	(void)state;
	hello_make(1, 5, &wire);
	whole = wire.len;
	for (size_t len = 0; len < whole; len++) {
		hello_make(1, 5, &wire);
		wire.len = len;
		assert_int_equal(parse(&wire), -EBADMSG);
		if (len < 4)
			continue;
		bytes_close(&wire, 4, 3);
		/* Where the compression methods end, an old hello could end. */
		assert_int_equal(parse(&wire), len == 51 ? 0 : -EBADMSG);
	}
}

static void refuses_trailing_bytes(void **state)
{
	(void)state;
	hello_make(1, 5, &wire);
	bytes_number(&wire, 0, 1);
	assert_int_equal(parse(&wire), -EBADMSG);
	bytes_close(&wire, 4, 3);
	assert_int_equal(parse(&wire), -EBADMSG);

	/* Behind a hello without extensions, two bytes look like an empty list of them. */
	parse_spec((struct spec){ LEAST, .no_extensions = true });
	bytes_number(&wire, 0, 2);
	assert_int_equal(parse(&wire), -EBADMSG);
}

static void refuses_other_messages(void **state)
{
	(void)state;
	hello_make(1, 5, &wire);
	wire.data[0] = 2;
	assert_int_equal(parse(&wire), -EBADMSG);
}

static void refuses_bad_lengths(void **state)
{
	static const struct spec bad[] = {
		{ LEAST, .session = 33, .no_extensions = true },
		{ .cipher_bytes = 0, .compression = 1 },
		{ .cipher_bytes = 3, .compression = 1 },
		{ .cipher_bytes = 2, .compression = 0 },
		{ .cipher_bytes = 2 * CLIENT_HELLO_CIPHERS + 2, .compression = 1 },
		{ LEAST, EXTENSIONS("\0") },
		{ LEAST, EXTENSIONS("\0\x17\0") },
		{ LEAST, EXTENSIONS("\0\x17\0\1") },
		{ LEAST, EXTENSIONS("\0\x17\0\0\0\x17\0\0") }, /* twice */
		/* versions */
		{ LEAST, EXTENSIONS("\0\x2b\0\0") },
		{ LEAST, EXTENSIONS("\0\x2b\0\2\1\3") },
		{ LEAST, EXTENSIONS("\0\x2b\0\3\4\3\4") },
		{ LEAST, EXTENSIONS("\0\x2b\0\4\2\3\4\0") },
		/* signatures */
		{ LEAST, EXTENSIONS("\0\x0d\0\1\0") },
		{ LEAST, EXTENSIONS("\0\x0d\0\3\0\1\4") },
		{ LEAST, EXTENSIONS("\0\x0d\0\4\0\4\4\3") },
		{ LEAST, EXTENSIONS("\0\x0d\0\5\0\2\4\3\0") },
		/* ALPN */
		{ LEAST, EXTENSIONS("\0\x10\0\1\0") },
		{ LEAST, EXTENSIONS("\0\x10\0\4\0\2\2h") },
		{ LEAST, EXTENSIONS("\0\x10\0\5\0\2\1h\0") },
		{ LEAST, EXTENSIONS("\0\x10\0\5\0\3\1h\1") },
	};

	(void)state;
	assert_int_equal(parse_spec((struct spec){ .cipher_bytes = 2 * CLIENT_HELLO_CIPHERS,
						   .compression = 1 }),
			 0);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		if (parse_spec(bad[i]) != -EBADMSG)
			fail_msg("row %zu was read", i);
	}
}

static void bounds_extensions(void **state)
{
	char list[4 * (CLIENT_HELLO_EXTENSIONS + 1)] = { 0 };

	(void)state;
	for (size_t i = 0; i <= CLIENT_HELLO_EXTENSIONS; i++)
		list[4 * i] = i;
	assert_int_equal(
		parse_spec((struct spec){ LEAST, .extensions = list,
					  .extension_bytes = 4 * CLIENT_HELLO_EXTENSIONS }),
		0);
	assert_int_equal(hello.extension_count, CLIENT_HELLO_EXTENSIONS);
	assert_int_equal(parse_spec((struct spec){ LEAST, .extensions = list,
						   .extension_bytes = sizeof(list) }),
			 -EBADMSG);
}

/* JA4 says what to do of a name that is missing or empty. */
static void takes_empty_names(void **state)
{
	(void)state;
	assert_int_equal(parse_spec((struct spec){ LEAST, EXTENSIONS("\0\x10\0\2\0\0") }), 0);
	assert_int_equal(hello.alpn_len, 0);
	assert_int_equal(parse_spec((struct spec){ LEAST, EXTENSIONS("\0\x10\0\5\0\3\0\1h") }), 0);
	assert_int_equal(hello.alpn_len, 0);
}

static void ignores_greased_versions(void **state)
{
	(void)state;
	assert_int_equal(
		parse_spec((struct spec){ LEAST, EXTENSIONS("\0\x2b\0\7\6\xfa\xfa\3\3\3\2") }), 0);
	assert_int_equal(hello.version, 0x0303);
	assert_true(tls_is_grease(0x0a0a) && tls_is_grease(0xfafa));
	assert_false(tls_is_grease(0x0a1a) || tls_is_grease(0x0a0b) || tls_is_grease(0x0303));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_all),
		cmocka_unit_test(reads_resumption),
		cmocka_unit_test(reads_the_least),
		cmocka_unit_test(refuses_cut_hellos),
		cmocka_unit_test(refuses_trailing_bytes),
		cmocka_unit_test(refuses_other_messages),
		cmocka_unit_test(refuses_bad_lengths),
		cmocka_unit_test(bounds_extensions),
		cmocka_unit_test(takes_empty_names),
		cmocka_unit_test(ignores_greased_versions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
