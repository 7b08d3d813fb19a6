/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ClientHello messages: what is read lies inside, nothing of it may be missing or left over, and
 * JA4 of it has JA4's form.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "user/sight/ja4.h"

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void check_text(const char *text, char transport)
{
	static const char form[] = "tVVs0000aa_hhhhhhhhhhhh_hhhhhhhhhhhh";

	must(strlen(text) == sizeof(form) - 1 && sizeof(form) <= JA4_TEXT);
	must(text[0] == transport);
	for (size_t i = 0; i < sizeof(form) - 1; i++) {
		if (form[i] == '_')
			must(text[i] == '_');
		if (form[i] == 's')
			must(text[i] == 'd' || text[i] == 'i');
		if (form[i] == '0')
			must(text[i] >= '0' && text[i] <= '9');
		if (form[i] == 'h')
			must(!!strchr("0123456789abcdef", text[i]));
	}
}

static void check_ja4(const struct client_hello *h)
{
	char text[JA4_TEXT], stable[JA4_TEXT], both[JA4_TEXT], stable_both[JA4_TEXT];

	check_text(ja4_format(h, JA4_TCP, text), 't');
	check_text(ja4_stable_format(h, JA4_TCP, stable), 't');
	ja4_format_both(h, JA4_TCP, NULL, both, stable_both);
	must(!strcmp(text, both) && !strcmp(stable, stable_both));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct client_hello hello, again;

	if (client_hello_parse(data, size, &hello) < 0)
		return 0;
	must(hello.cipher_count > 0 && hello.cipher_count <= CLIENT_HELLO_CIPHERS);
	must(hello.extension_count <= CLIENT_HELLO_EXTENSIONS);
	must(hello.signature_count <= CLIENT_HELLO_SIGNATURES);
	must(!hello.alpn == !hello.alpn_len);
	must(!hello.alpn || (hello.alpn > data && hello.alpn + hello.alpn_len <= data + size));
	must(size >= 4 + 2 + 32 + 1 + 2 + hello.cipher_count * 2 + 2 + hello.extension_count * 4);
	must(client_hello_parse(data, size - 1, &again) < 0);
	check_ja4(&hello);
	return 0;
}
