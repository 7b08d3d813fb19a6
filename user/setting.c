/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Kinds of settings. See setting.h. */
#include "user/setting.h"

#include <inttypes.h>
#include <string.h>
#include "user/base/cleanup.h"
#include "user/base/number.h"
#include "user/base/refuse.h"

/* ---- numbers ---- */

static int number_read(const struct setting *s, const char *value, void *at, char *why, size_t size)
{
	uint64_t v;

	if (number_parse(value, s->min, s->max, &v) < 0)
		return refuse(why, size,
			      "%.32s: a number from %" PRIu64 " to %" PRIu64 " is needed", value,
			      s->min, s->max);
	*(uint32_t *)at = v;
	return 0;
}

static void number_print(const struct setting *s, const void *at, FILE *to)
{
	fprintf(to, "%s = %" PRIu32 "\n", s->key, *(const uint32_t *)at);
}

const struct setting_kind setting_number = { .parse = number_read, .print = number_print };

static int power_read(const struct setting *s, const char *value, void *at, char *why, size_t size)
{
	uint32_t v = 0, power = 1;
	int r;

	r = number_read(s, value, &v, why, size);
	if (r < 0)
		return r;
	while (power < v)
		power *= 2;
	*(uint32_t *)at = power;
	return 0;
}

const struct setting_kind setting_power = { .parse = power_read, .print = number_print };

static int lengths_read(const struct setting *s, const char *value, void *at, char *why,
			size_t size)
{
	const char *dash = strchr(value, '-');
	uint32_t *lengths = at;
	uint64_t low, high;
	char first[8] = "";

	if (dash && (size_t)(dash - value) < sizeof(first))
		memcpy(first, value, dash - value);
	if (number_parse(first, s->min, s->max, &low) < 0 ||
	    number_parse(dash + 1, s->min, s->max, &high) < 0 || low > high)
		return refuse(why, size,
			      "%.32s: two lengths are needed, like %" PRIu64 "-%" PRIu64
			      ", and nothing beyond these",
			      value, s->min, s->max);
	lengths[0] = low;
	lengths[1] = high;
	return 0;
}

static void lengths_print(const struct setting *s, const void *at, FILE *to)
{
	const uint32_t *lengths = at;

	fprintf(to, "%s = %" PRIu32 "-%" PRIu32 "\n", s->key, lengths[0], lengths[1]);
}

const struct setting_kind setting_lengths = { .parse = lengths_read, .print = lengths_print };

/* ---- times ---- */

static int time_read(const struct setting *s, const char *value, void *at, char *why, size_t size)
{
	char low[DURATION_TEXT], high[DURATION_TEXT];
	uint64_t ms;

	if (duration_parse(value, &ms) < 0 || ms < s->min || ms > s->max ||
	    ms * 1000 % s->kind->unit_us)
		return refuse(why, size, "%.32s: a time from %s to %s is needed", value,
			      duration_format(s->min, low), duration_format(s->max, high));
	*(uint32_t *)at = ms * 1000 / s->kind->unit_us;
	return 0;
}

static void time_print(const struct setting *s, const void *at, FILE *to)
{
	uint64_t us = *(const uint32_t *)at;
	char text[DURATION_TEXT];

	us *= s->kind->unit_us;
	fprintf(to, "%s = %s\n", s->key, duration_format(us / 1000, text));
}

const struct setting_kind setting_us = { .parse = time_read, .print = time_print, .unit_us = 1 };
const struct setting_kind setting_ms = { .parse = time_read, .print = time_print, .unit_us = 1000 };
const struct setting_kind setting_sec = { .parse = time_read,
					  .print = time_print,
					  .unit_us = 1000000 };

/* ---- sizes ---- */

static int size_read(const struct setting *s, const char *value, void *at, char *why, size_t size)
{
	char low[SIZE_TEXT], high[SIZE_TEXT];
	uint64_t bytes;

	if (size_parse(value, &bytes) < 0 || bytes < s->min || bytes > s->max)
		return refuse(why, size, "%.32s: a size from %s to %s is needed", value,
			      size_format(s->min, low), size_format(s->max, high));
	*(uint64_t *)at = bytes;
	return 0;
}

static void size_print(const struct setting *s, const void *at, FILE *to)
{
	char text[SIZE_TEXT];

	fprintf(to, "%s = %s\n", s->key, size_format(*(const uint64_t *)at, text));
}

const struct setting_kind setting_size = { .parse = size_read, .print = size_print };

/* ---- shares and other real numbers ---- */

static int share_read(const struct setting *s, const char *value, void *at, char *why, size_t size)
{
	double v;

	if (share_parse(value, &v) < 0 || v * 100 < s->min || v * 100 > s->max)
		return refuse(why, size,
			      "%.32s: a share from %" PRIu64 "%% to %" PRIu64
			      "%% is needed, like 5%% or 0.05",
			      value, s->min, s->max);
	*(double *)at = v;
	return 0;
}

static int real_read(const struct setting *s, const char *value, void *at, char *why, size_t size)
{
	double v;

	if (real_parse(value, &v) < 0 || v < s->min || v > s->max)
		return refuse(why, size,
			      "%.32s: a number from %" PRIu64 " to %" PRIu64 " is needed", value,
			      s->min, s->max);
	*(double *)at = v;
	return 0;
}

static void real_print(const struct setting *s, const void *at, FILE *to)
{
	char text[REAL_TEXT];

	fprintf(to, "%s = %s\n", s->key, real_format(*(const double *)at, text));
}

const struct setting_kind setting_share = { .parse = share_read, .print = real_print };
const struct setting_kind setting_real = { .parse = real_read, .print = real_print };

/* ---- words and paths ---- */

static int word_read(const struct setting *s, const char *value, void *at, char *why, size_t size)
{
	char all[96] = "";
	size_t n = 0;

	for (uint32_t i = 0; s->words[i]; i++) {
		if (!strcmp(value, s->words[i])) {
			*(uint32_t *)at = i;
			return 0;
		}
		n += snprintf(all + n, sizeof(all) - n, "%s%s", i ? " or " : "", s->words[i]);
	}
	return refuse(why, size, "%.32s is not %s", value, all);
}

static void word_print(const struct setting *s, const void *at, FILE *to)
{
	fprintf(to, "%s = %s\n", s->key, s->words[*(const uint32_t *)at]);
}

const struct setting_kind setting_word = { .parse = word_read, .print = word_print };

static int path_read(const struct setting *s, const char *value, void *at, char *why, size_t size)
{
	if (*value != '/')
		return refuse(why, size, "%.64s: an absolute path is needed", value);
	if (strlen(value) >= s->max)
		return refuse(why, size, "a path of less than %" PRIu64 " bytes is needed", s->max);
	memcpy(at, value, strlen(value) + 1);
	return 0;
}

static void path_print(const struct setting *s, const void *at, FILE *to)
{
	fprintf(to, "%s = %s\n", s->key, (const char *)at);
}

const struct setting_kind setting_path = { .parse = path_read, .print = path_print };
