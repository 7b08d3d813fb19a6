/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Plain numbers: as many figures as a tired reader can use.
 */
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "user/base/cleanup.h"
#include "user/shoal/chance.h"
#include "user/shoal/words.h"

#define SMALL 10       /* counts below it may have a fraction, if they are expectations */
#define COUNT_MAX 1e15 /* a double counts exactly up to there, and nothing here comes near */

/* "4120" becomes "4,120". */
static void group_thousands(const char *digits, char *buf)
{
	size_t len = strlen(digits), used = 0;

	for (size_t i = 0; i < len; i++) {
		if (i && (len - i) % 3 == 0)
			buf[used++] = ',';
		buf[used++] = digits[i];
	}
	buf[used] = '\0';
}

const char *words_count(double n, char *buf)
{
	char digits[WORDS_MAX];

	n = fmin(fmax(n, 0), COUNT_MAX);
	if (n < SMALL && n != floor(n)) {
		snprintf(buf, WORDS_MAX, "%.1f", n);
		return buf;
	}
	snprintf(digits, sizeof(digits), "%.0f", n);
	group_thousands(digits, buf);
	return buf;
}

const char *words_percent(double share, char *buf)
{
	double percent = fmin(fmax(share, 0), 1) * 100;

	if (percent > 0 && percent < 0.1)
		snprintf(buf, WORDS_MAX, "%.1g %%", percent);
	else
		snprintf(buf, WORDS_MAX, percent >= 10 && percent <= 90 ? "%.0f %%" : "%.1f %%",
			 percent);
	return buf;
}

const char *words_chance(double p, char *buf)
{
	if (p <= CHANCE_MIN * 1e10)
		snprintf(buf, WORDS_MAX, "below 1e-290");
	else
		snprintf(buf, WORDS_MAX, "%.2g", p);
	return buf;
}

const char *words_time(uint64_t sec, char *buf)
{
	static const struct {
		uint32_t sec;
		const char *name;
	} units[] = { { 86400, "days" }, { 3600, "h" }, { 60, "min" }, { 1, "s" } };
	size_t i = 0;

	/* A unit once there are two of it: "47 h", not "2 days". */
	while (i < ARRAY_LEN(units) - 1 && sec < 2ull * units[i].sec)
		i++;
	snprintf(buf, WORDS_MAX, "%" PRIu64 " %s", sec / units[i].sec, units[i].name);
	return buf;
}

const char *words_bytes(double n, char *buf)
{
	static const char *const units[] = { "bytes", "KiB", "MiB", "GiB" };
	size_t i = 0;

	n = fmin(fmax(n, 0), COUNT_MAX);
	while (i < ARRAY_LEN(units) - 1 && n >= 1000) {
		n /= 1024;
		i++;
	}
	snprintf(buf, WORDS_MAX, i && n < 100 ? "%.1f %s" : "%.0f %s", n, units[i]);
	return buf;
}

void say(struct speech *s, enum side side, const char *format, ...)
{
	va_list args;

	if (s->n == SENTENCES_MAX)
		return;
	s->list[s->n].side = side;
	va_start(args, format);
	vsnprintf(s->list[s->n].text, SENTENCE_SIZE, format, args);
	va_end(args);
	s->n++;
}
