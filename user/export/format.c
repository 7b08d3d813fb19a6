/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Numbers, shortened.
 */
#include <inttypes.h>
#include <stdio.h>
#include "user/base/cleanup.h"
#include "user/export/format.h"

/* Three figures and a unit: "999", "12.3 k", "4.1 M". */
static const char *format_scaled(uint64_t n, unsigned int step, const char *const *units, char *buf)
{
	double value = n;

	while (value >= step && units[1]) {
		value /= step;
		units++;
	}
	snprintf(buf, FORMAT_MAX, value == n || value >= 100 ? "%.0f%s%s" : "%.1f%s%s", value,
		 **units ? " " : "", *units);
	return buf;
}

const char *format_count(uint64_t n, char *buf)
{
	static const char *const units[] = { "", "k", "M", "G", "T", "P", NULL };

	return format_scaled(n, 1000, units, buf);
}

const char *format_exact(uint64_t n, char *buf)
{
	char digits[FORMAT_MAX];
	size_t len = (size_t)snprintf(digits, sizeof(digits), "%" PRIu64, n), used = 0;

	for (size_t i = 0; i < len; i++) {
		if (i && (len - i) % 3 == 0)
			buf[used++] = ',';
		buf[used++] = digits[i];
	}
	buf[used] = '\0';
	return buf;
}

const char *format_bytes(uint64_t n, char *buf)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB", NULL };

	return format_scaled(n, 1024, units, buf);
}

/* The two largest units: "12 s", "3 m 20 s", "4 h 12 m", "3 d 4 h". */
const char *format_time(uint64_t sec, char *buf)
{
	static const struct {
		uint32_t sec;
		char name;
	} units[] = { { 86400, 'd' }, { 3600, 'h' }, { 60, 'm' }, { 1, 's' } };
	size_t i = 0;

	while (i < ARRAY_LEN(units) - 1 && sec < units[i].sec)
		i++;
	if (i == ARRAY_LEN(units) - 1 || sec % units[i].sec < units[i + 1].sec)
		snprintf(buf, FORMAT_MAX, "%" PRIu64 " %c", sec / units[i].sec, units[i].name);
	else
		snprintf(buf, FORMAT_MAX, "%" PRIu64 " %c %u %c", sec / units[i].sec, units[i].name,
			 (unsigned int)(sec % units[i].sec / units[i + 1].sec), units[i + 1].name);
	return buf;
}

const char *format_age(uint64_t sec, char *buf)
{
	if (sec < 2 * 60)
		snprintf(buf, FORMAT_MAX, "%" PRIu64 " s", sec);
	else if (sec < 2 * 3600)
		snprintf(buf, FORMAT_MAX, "%" PRIu64 " m", sec / 60);
	else if (sec < 2 * 86400)
		snprintf(buf, FORMAT_MAX, "%" PRIu64 " h", sec / 3600);
	else
		snprintf(buf, FORMAT_MAX, "%" PRIu64 " d", sec / 86400);
	return buf;
}
