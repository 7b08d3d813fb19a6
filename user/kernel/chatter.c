// SPDX-License-Identifier: GPL-2.0-or-later
/* See chatter.h. The libraries' print callbacks carry no argument, hence the one buffer. */
#include "user/kernel/chatter.h"

#include <bpf/libbpf.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <xdp/libxdp.h>
#include "user/kernel/datapath.h"

#define CHATTER_SIZE 16384 /* the end of a verifier log, where its reason stands */

static char said[CHATTER_SIZE];
static size_t said_len;
static char warned[DATAPATH_WHY];
static char found[DATAPATH_WHY];

static void keep(const char *format, va_list args)
{
	size_t len;

	if (said_len > sizeof(said) / 2) { /* the newer half stays */
		memmove(said, said + sizeof(said) / 4, said_len - sizeof(said) / 4);
		said_len -= sizeof(said) / 4;
	}
	len = (size_t)vsnprintf(said + said_len, sizeof(said) - said_len, format, args);
	said_len += len < sizeof(said) - said_len ? len : sizeof(said) - said_len - 1;
}

static void keep_warning(const char *format, va_list args)
{
	vsnprintf(warned, sizeof(warned), format, args);
	warned[strcspn(warned, "\n")] = '\0';
}

static int print_bpf(enum libbpf_print_level level, const char *format, va_list args)
{
	va_list again;

	va_copy(again, args);
	if (level == LIBBPF_WARN)
		keep_warning(format, again);
	va_end(again);
	if (level != LIBBPF_DEBUG)
		keep(format, args);
	return 0;
}

static int print_xdp(enum libxdp_print_level level, const char *format, va_list args)
{
	va_list again;

	va_copy(again, args);
	if (level == LIBXDP_WARN)
		keep_warning(format, again);
	va_end(again);
	if (level != LIBXDP_DEBUG)
		keep(format, args);
	return 0;
}

void chatter_begin(void)
{
	libbpf_set_print(print_bpf);
	libxdp_set_print(print_xdp);
	said_len = 0;
	said[0] = '\0';
	warned[0] = '\0';
}

const char *chatter_after(const char *needle)
{
	const char *last = NULL;

	for (const char *p = said; (p = strstr(p, needle)); p += strlen(needle))
		last = p + strlen(needle);
	if (!last)
		return NULL;
	snprintf(found, sizeof(found), "%.*s", (int)strcspn(last, "\n"), last);
	return found;
}

const char *chatter_last(void)
{
	return warned;
}

int datapath_fail(int r, char *why, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(why, DATAPATH_WHY, format, args);
	va_end(args);
	return r;
}
