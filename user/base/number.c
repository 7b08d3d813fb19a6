/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Strict numbers. See number.h. */
#include "user/base/number.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include "user/base/cleanup.h"

#define EXACT_DIGITS 15
#define EXACT 1000000000000000 /* 10^15: whole numbers below it are exact as double */

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Digits up to the first that is none; moves `text` there. */
static int digits(const char **text, uint64_t *ret)
{
	const char *t = *text;
	uint64_t v = 0;

	if (!is_digit(*t) || (t[0] == '0' && is_digit(t[1])))
		return -EINVAL;
	for (; is_digit(*t); t++) {
		if (__builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, *t - '0', &v))
			return -EINVAL;
	}
	*text = t;
	*ret = v;
	return 0;
}

int number_parse(const char *text, uint64_t min, uint64_t max, uint64_t *ret)
{
	uint64_t v;

	if (digits(&text, &v) < 0 || *text || v < min || v > max)
		return -EINVAL;
	*ret = v;
	return 0;
}

static const struct {
	const char *name;
	uint64_t ms;
} units[] = {
	{ "d", 86400000 }, { "h", 3600000 }, { "m", 60000 }, { "s", 1000 }, { "ms", 1 },
};

/* One number and its unit; `unit` moves behind the one found, so that the next must be smaller. */
static int duration_part(const char **text, size_t *unit, uint64_t *sum)
{
	size_t len;
	uint64_t v;

	if (digits(text, &v) < 0)
		return -EINVAL;
	len = strspn(*text, "dhms");
	for (size_t i = *unit; i < ARRAY_LEN(units); i++) {
		if (strlen(units[i].name) != len || strncmp(*text, units[i].name, len) != 0)
			continue;
		if (__builtin_mul_overflow(v, units[i].ms, &v) ||
		    __builtin_add_overflow(*sum, v, sum))
			return -EINVAL;
		*text += len;
		*unit = i + 1;
		return 0;
	}
	return -EINVAL;
}

int duration_parse(const char *text, uint64_t *ret_ms)
{
	uint64_t sum = 0;
	size_t unit = 0;

	if (strcmp(text, "0") == 0) {
		*ret_ms = 0;
		return 0;
	}
	do {
		if (duration_part(&text, &unit, &sum) < 0)
			return -EINVAL;
	} while (*text);
	*ret_ms = sum;
	return 0;
}

const char *duration_format(uint64_t ms, char *buf)
{
	size_t i = 0;

	while (ms % units[i].ms)
		i++;
	if (ms)
		snprintf(buf, DURATION_TEXT, "%" PRIu64 "%s", ms / units[i].ms, units[i].name);
	else
		snprintf(buf, DURATION_TEXT, "0");
	return buf;
}

static const struct {
	char name;
	unsigned int shift;
} size_units[] = { { 'G', 30 }, { 'M', 20 }, { 'K', 10 } };

int size_parse(const char *text, uint64_t *ret)
{
	uint64_t v;

	if (digits(&text, &v) < 0 || !text[0] || text[1])
		return -EINVAL;
	for (size_t i = 0; i < ARRAY_LEN(size_units); i++) {
		if (*text != size_units[i].name)
			continue;
		if (v > UINT64_MAX >> size_units[i].shift)
			return -EINVAL;
		*ret = v << size_units[i].shift;
		return 0;
	}
	return -EINVAL;
}

const char *size_format(uint64_t bytes, char *buf)
{
	size_t i = 0;

	while (i + 1 < ARRAY_LEN(size_units) && bytes % (1ull << size_units[i].shift))
		i++;
	snprintf(buf, SIZE_TEXT, "%" PRIu64 "%c", bytes >> size_units[i].shift, size_units[i].name);
	return buf;
}

/* "12" or "0.05", to the first character that belongs to neither, as `v` / 10^`places`: of two
 * numbers that are exact, so that the quotient is the double nearest to the text. No exponent, no
 * locale. */
static int decimal(const char **text, uint64_t *ret, unsigned int *ret_places)
{
	const char *t = *text;
	unsigned int places = 0;
	uint64_t v;

	if (digits(&t, &v) < 0)
		return -EINVAL;
	if (*t == '.') {
		if (!is_digit(*++t))
			return -EINVAL;
		for (; is_digit(*t) && v < EXACT; places++)
			v = v * 10 + (*t++ - '0');
	}
	if (v >= EXACT || places > EXACT_DIGITS)
		return -EINVAL;
	*text = t;
	*ret = v;
	*ret_places = places;
	return 0;
}

static double quotient(uint64_t v, unsigned int places)
{
	double tens = 1;

	while (places--)
		tens *= 10;
	return v / tens;
}

int real_parse(const char *text, double *ret)
{
	unsigned int places;
	uint64_t v;

	if (decimal(&text, &v, &places) < 0 || *text)
		return -EINVAL;
	*ret = quotient(v, places);
	return 0;
}

const char *real_format(double v, char *buf)
{
	double again;

	for (int places = 0; places <= EXACT_DIGITS; places++) {
		snprintf(buf, REAL_TEXT, "%.*f", places, v);
		if (real_parse(buf, &again) == 0 && again == v)
			break;
	}
	return buf;
}

int share_parse(const char *text, double *ret)
{
	unsigned int places;
	uint64_t v;
	double share;

	if (decimal(&text, &v, &places) < 0)
		return -EINVAL;
	if (!strcmp(text, "%") || !strcmp(text, " %"))
		places += 2;
	else if (*text)
		return -EINVAL;
	share = quotient(v, places);
	if (places > EXACT_DIGITS || share > 1)
		return -EINVAL;
	*ret = share;
	return 0;
}
