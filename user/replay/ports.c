// SPDX-License-Identifier: GPL-2.0-or-later
/* Lists of ports. */
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include "user/base/number.h"
#include "user/base/refuse.h"
#include "user/replay/ports.h"

#define WORD 24 /* longer than any range */

static void set(__u64 *plane, uint64_t from, uint64_t to)
{
	for (uint64_t port = from; port <= to; port++)
		plane[port / 64] |= 1ull << port % 64;
}

/* "443", "8000-8100" or "all" */
static bool range_parse(char *word, uint64_t *ret_from, uint64_t *ret_to)
{
	char *dash = strchr(word, '-');

	if (strcmp(word, "all") == 0) {
		*ret_from = 0;
		*ret_to = UINT16_MAX;
		return true;
	}
	if (dash)
		*dash = '\0';
	if (number_parse(word, 0, UINT16_MAX, ret_from) < 0)
		return false;
	*ret_to = *ret_from;
	return !dash || number_parse(dash + 1, *ret_from, UINT16_MAX, ret_to) == 0;
}

static int word_parse(const char *text, size_t len, char *why, size_t size,
		      struct seine_ports *ports)
{
	bool tcp = len < 4 || memcmp(text, "udp:", 4) != 0;
	bool udp = len < 4 || memcmp(text, "tcp:", 4) != 0;
	size_t skip = tcp && udp ? 0 : 4;
	uint64_t from = 0, to = 0;
	char word[WORD] = "";

	if (len - skip < sizeof(word))
		memcpy(word, text + skip, len - skip);
	if (!range_parse(word, &from, &to))
		return refuse(why, size, "%.*s: not a port such as 443, udp:443, 8000-8100 or all",
			      (int)(len < WORD ? len : WORD), text);
	if (tcp)
		set(ports->tcp, from, to);
	if (udp)
		set(ports->udp, from, to);
	return 0;
}

int ports_parse(const char *text, char *why, size_t size, struct seine_ports *ret)
{
	struct seine_ports ports = { 0 };
	int r;

	for (;;) {
		size_t len = strcspn(text, ",");

		r = word_parse(text, len, why, size, &ports);
		if (r < 0)
			return r;
		if (!text[len])
			break;
		text += len + 1;
	}
	*ret = ports;
	return 0;
}
