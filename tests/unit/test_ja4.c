// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * JA4: the published example, and each sentence of the text that could be read otherwise. Hashes
 * that are not in the text were made with sha256sum.
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
#include "user/sight/ja4.h"

/* The example of the text, with GREASE where browsers put it. */
static const struct client_hello example = {
	.legacy_version = 0x0303,
	.version = 0x0304,
	.sni = true,
	.alpn = (const uint8_t *)"h2",
	.alpn_len = 2,
	.ciphers = { 0x4a4a, 0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8,
		     0xc013, 0xc014, 0x009c, 0x009d, 0x002f, 0x0035 },
	.cipher_count = 16,
	.extensions = { 0xdada, 0x001b, 0x0000, 0x0033, 0x0010, 0x4469, 0x0017, 0x002d, 0x000d,
			0x0005, 0x0023, 0x0012, 0x002b, 0xff01, 0x000b, 0x000a, 0x0015, 0x7a7a },
	.extension_count = 18,
	.signatures = { 0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601, 0x5a5a },
	.signature_count = 9,
};

static struct ja4_memo *memo;

static int memo_make(void **state)
{
	(void)state;
	return ja4_memo_new(&memo);
}

static int memo_drop(void **state)
{
	(void)state;
	ja4_memo_free(memo);
	return 0;
}

static void expect(const struct client_hello *h, const char *text)
{
	char buf[JA4_TEXT], both[JA4_TEXT], stable[JA4_TEXT], stable_both[JA4_TEXT];

	assert_string_equal(ja4_format(h, JA4_TCP, buf), text);
	ja4_stable_format(h, JA4_TCP, stable);
	for (int known = 0; known < 2; known++) {
		ja4_format_both(h, JA4_TCP, memo, both, stable_both);
		assert_string_equal(both, text);
		assert_string_equal(stable_both, stable);
	}
}

static void published_example(void **state)
{
	struct client_hello h = example;
	char buf[JA4_TEXT];

	(void)state;
	expect(&h, "t13d1516h2_8daaf6152771_e5627efa2ab1");
	assert_string_equal(ja4_format(&h, JA4_QUIC, buf), "q13d1516h2_8daaf6152771_e5627efa2ab1");

	h.signature_count = 0;
	expect(&h, "t13d1516h2_8daaf6152771_6d807ffa2a79");
}

/* Without 0015 and 0023. */
static void stable_example(void **state)
{
	struct client_hello h = example;
	char buf[JA4_TEXT], full[JA4_TEXT];

	(void)state;
	assert_string_equal(ja4_stable_format(&h, JA4_TCP, buf),
			    "t13d1514h2_8daaf6152771_59204b37da4c");

	h.extensions[h.extension_count++] = TLS_EXT_PSK;
	h.extensions[h.extension_count++] = TLS_EXT_EARLY_DATA;
	assert_string_equal(ja4_stable_format(&h, JA4_TCP, full), buf);
	ja4_format_both(&h, JA4_TCP, NULL, full, buf);
	assert_string_equal(buf, "t13d1514h2_8daaf6152771_59204b37da4c");

	h.extension_count = 3; /* GREASE, 001b and SNI: nothing to leave out */
	assert_string_equal(ja4_stable_format(&h, JA4_TCP, buf), ja4_format(&h, JA4_TCP, full));
}

static void versions(void **state)
{
	static const struct {
		uint16_t legacy, offered;
		const char *text;
	} rows[] = {
		{ 0x0303, 0x0304, "13" }, { 0x0303, 0x0303, "12" }, { 0x0303, 0, "12" },
		{ 0x0302, 0, "11" },	  { 0x0301, 0, "10" },	    { 0x0300, 0, "s3" },
		{ 0x0002, 0, "s2" },	  { 0xfeff, 0, "d1" },	    { 0xfefd, 0, "d2" },
		{ 0xfefc, 0, "d3" },	  { 0x0303, 0x7f1c, "00" }, { 0x0305, 0, "00" },
	};
	struct client_hello h = example;
	char buf[JA4_TEXT];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		h.legacy_version = rows[i].legacy;
		h.version = rows[i].offered;
		assert_memory_equal(ja4_format(&h, JA4_TCP, buf) + 1, rows[i].text, 2);
	}
}

static void names_of_protocols(void **state)
{
	static const struct {
		const char *alpn, *text;
	} rows[] = {
		{ "h2", "h2" },
		{ "http/1.1", "h1" },
		{ "h", "hh" },
		{ "\xab", "ab" },
		{ " ", "20" },
		{ "\xab\xcd", "ad" },
		{ " a", "21" },
		{ "0\xab", "3b" },
		{ "a ", "60" },
		{ "01\xab\xcd", "3d" },
		{ "0\xab\xcd\61", "01" },
		{ "Zz", "Zz" },
		{ "@9", "49" },
		{ "[`", "50" },
	};
	struct client_hello h = example;
	char buf[JA4_TEXT];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		h.alpn = (const uint8_t *)rows[i].alpn;
		h.alpn_len = strlen(rows[i].alpn);
		assert_memory_equal(ja4_format(&h, JA4_TCP, buf) + 8, rows[i].text, 2);
	}
	h.alpn = NULL;
	h.alpn_len = 0;
	assert_memory_equal(ja4_format(&h, JA4_TCP, buf) + 8, "00", 2);
}

static void empty_lists(void **state)
{
	struct client_hello h = { .legacy_version = 0x0301 };

	(void)state;
	expect(&h, "t10i000000_000000000000_000000000000");

	/* Only what the last part leaves out, but the first part counts. */
	h.sni = true;
	h.extensions[0] = TLS_EXT_SNI;
	h.extensions[1] = 0x1a1a;
	h.extensions[2] = TLS_EXT_ALPN;
	h.extension_count = 3;
	h.ciphers[0] = 0xeaea;
	h.cipher_count = 1;
	expect(&h, "t10d000200_000000000000_000000000000");
}

static void counts_end_at_99(void **state)
{
	struct client_hello h = { .version = 0x0304 };
	char buf[JA4_TEXT];

	(void)state;
	for (size_t i = 0; i < CLIENT_HELLO_CIPHERS; i++)
		h.ciphers[i] = CLIENT_HELLO_CIPHERS - i;
	for (size_t i = 0; i < CLIENT_HELLO_EXTENSIONS; i++)
		h.extensions[i] = 0x100 + i;
	for (size_t i = 0; i < CLIENT_HELLO_SIGNATURES; i++)
		h.signatures[i] = 0x100 + i;
	h.cipher_count = 99;
	h.extension_count = 98;
	assert_memory_equal(ja4_format(&h, JA4_TCP, buf), "t13i999800_", 11);
	h.cipher_count = CLIENT_HELLO_CIPHERS;
	h.extension_count = CLIENT_HELLO_EXTENSIONS;
	h.signature_count = CLIENT_HELLO_SIGNATURES;
	expect(&h, "t13i999900_984da8333abc_607e782bfb26");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(published_example), cmocka_unit_test(stable_example),
		cmocka_unit_test(versions),	     cmocka_unit_test(names_of_protocols),
		cmocka_unit_test(empty_lists),	     cmocka_unit_test(counts_end_at_99),
	};

	return cmocka_run_group_tests(tests, memo_make, memo_drop);
}
