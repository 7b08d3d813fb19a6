// SPDX-License-Identifier: GPL-2.0-or-later
/* See networks.h. */
#include "user/networks.h"

#include <errno.h>
#include <string.h>
#include <strings.h>
#include "user/base/cleanup.h"
#include "user/base/line.h"
#include "user/base/number.h"
#include "user/base/refuse.h"

#define SENTENCE 160
#define BLANKS " \t"
/* 0 and the largest number stand for no network (RFC 7607, RFC 7300). */
#define ASN_MIN 1
#define ASN_MAX (UINT32_MAX - 1)

/* "64500" or "AS64500". */
static int asn_parse(const char *text, uint64_t *ret)
{
	if (!strncasecmp(text, "AS", 2))
		text += 2;
	return number_parse(text, ASN_MIN, ASN_MAX, ret);
}

/* Cuts the first word off; returns where the rest begins. */
static char *cut_word(char *text)
{
	text += strcspn(text, BLANKS);
	if (*text)
		*text++ = '\0';
	return text + strspn(text, BLANKS);
}

static int take_line(struct asns *a, const struct line_reader *l, char *text, char *why,
		     size_t size)
{
	char sentence[SENTENCE], *number = cut_word(text);
	struct prefix p;
	uint64_t asn;
	int r;

	if (!*text || *text == '#')
		return 0;
	(void)cut_word(number);
	if (prefix_parse(text, sentence, sizeof(sentence), &p) < 0)
		return line_refuse(l, why, size, "%s", sentence);
	if (prefix_too_wide(&p))
		return line_refuse(l, why, size,
				   "%.64s: too wide: nothing wider than /8 (IPv6: /16) is accepted",
				   text);
	if (!prefix_is_v4(&p) && p.len > ASNS_V6_MAX)
		return line_refuse(l, why, size, "%.64s: nothing longer than /%d is accepted", text,
				   ASNS_V6_MAX);
	if (!*number)
		return line_refuse(l, why, size, "%.64s: the number of its network is missing",
				   text);
	if (asn_parse(number, &asn) < 0)
		return line_refuse(l, why, size, "%.64s: not a number from %d to %u, nor AS and it",
				   number, ASN_MIN, ASN_MAX);
	if (asns_count(a) == NETWORKS_MAX)
		return line_refuse(l, why, size, "more than %d prefixes", NETWORKS_MAX);
	r = asns_add(a, &p, (uint32_t)asn);
	if (r < 0)
		(void)line_refuse(l, why, size, "out of memory");
	return r;
}

static int take_lines(FILE *f, const char *name, struct asns *a, char *why, size_t size)
{
	struct line_reader l = { .file = f, .name = name };
	char *text;
	int r;

	while ((r = line_next(&l, why, size, &text)) > 0) {
		r = take_line(a, &l, text, why, size);
		if (r < 0)
			return r;
	}
	return r;
}

int networks_parse(FILE *f, const char *name, char *why, size_t size, struct asns **ret)
{
	_cleanup_(asns_freep) struct asns *a = NULL;
	int r;

	r = asns_new(&a);
	if (r == 0) {
		r = take_lines(f, name, a, why, size);
		if (r < 0)
			return r;
		r = asns_settle(a);
	}
	if (r < 0) {
		(void)refuse(why, size, "%s: out of memory", name);
		return r;
	}
	*ret = take_ptr(a);
	return 0;
}

int networks_read(const char *path, char *why, size_t size, struct asns **ret)
{
	_cleanup_(fclosep) FILE *f = NULL;
	int r;

	if (!*path) {
		*ret = NULL;
		return 0;
	}
	f = fopen(path, "re");
	if (f)
		return networks_parse(f, path, why, size, ret);
	r = -errno;
	(void)refuse(why, size, "%s: %s", path, strerror(-r));
	return r;
}
