/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A history of a test's own; see history_place.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <dirent.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "tests/unit/history_place.h"

static uint64_t random_state = 88172645463325252ull;

/* xorshift64 (Marsaglia 2003) */
uint32_t place_random(uint32_t n)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (uint32_t)(random_state >> 32) % n;
}

int place_make(void **state)
{
	struct place *p = calloc(1, sizeof(*p));

	if (!p)
		return -1;
	strcpy(p->dir, "/tmp/seine-history-XXXXXX");
	if (!mkdtemp(p->dir))
		return -1;
	snprintf(p->file, sizeof(p->file), "%s/history.db", p->dir);
	*state = p;
	return 0;
}

/* Counts files whose names hold `part`, and removes them if asked to. */
int place_files(const struct place *p, const char *part, bool remove)
{
	DIR *dir = opendir(p->dir);
	struct dirent *e;
	int n = 0;

	assert_non_null(dir);
	while ((e = readdir(dir))) {
		if (e->d_name[0] == '.' || !strstr(e->d_name, part))
			continue;
		n++;
		if (remove)
			assert_int_equal(unlinkat(dirfd(dir), e->d_name, 0), 0);
	}
	closedir(dir);
	return n;
}

int place_drop(void **state)
{
	struct place *p = *state;

	place_files(p, "", true);
	rmdir(p->dir);
	free(p);
	return 0;
}

int place_open_sized(const struct place *p, uint64_t size_max, char *why, struct history **ret)
{
	const struct history_settings s = {
		.path = p->file,
		.window_sec = WINDOW,
		.size_max = size_max,
		.epoch_sec = EPOCH,
	};

	return history_open(&s, why, ret);
}

struct history *place_open(const struct place *p)
{
	struct history *h = NULL;
	char why[HISTORY_WHY] = "";

	if (place_open_sized(p, LARGE, why, &h) != 0)
		fail_msg("%s", why);
	return h;
}

void place_flush(struct history *h, uint32_t now_sec)
{
	char why[HISTORY_WHY] = "";
	int64_t left;

	do {
		left = history_flush(h, 1000, now_sec, why);
		if (left < 0)
			fail_msg("%s", why);
	} while (left);
}

void place_address(uint32_t n, uint8_t ret[16])
{
	memset(ret, 0, 16);
	if (n % 3 == 0) {
		ret[10] = ret[11] = 0xff;
		memcpy(ret + 12, &n, sizeof(n));
	} else {
		ret[0] = 0x20;
		memcpy(ret + 4, &n, sizeof(n));
		ret[15] = n % 3 == 2; /* not a /64 */
	}
}

struct deed place_deed(uint32_t source, uint32_t requests)
{
	struct deed d = {
		.hello_key = 0xfedcba9876543210 + source,
		.syn_class = 77,
		.sums = { .requests = requests,
			  .responses = requests,
			  .handshakes = 1,
			  .gap_dual = 1,
			  .request_log = 170 * requests,
			  .response_log = UINT32_MAX,
			  .gap_ms = 70 },
	};

	place_address(source, d.source);
	return d;
}

void place_put(struct history *h, enum span span, uint32_t start, uint32_t source,
	       uint32_t requests)
{
	struct deed d = place_deed(source, requests);

	assert_int_equal(history_put(span, start, &d, h), 0);
}

int place_take_day(int64_t start_unix, const struct deed *deed, void *arg)
{
	struct days *d = arg;

	assert_true(d->n < 64);
	d->start_unix[d->n] = start_unix;
	d->deeds[d->n++] = *deed;
	return 0;
}

struct days place_days(struct history *h, uint32_t source)
{
	struct days days = { 0 };
	uint8_t a[16];

	place_address(source, a);
	assert_int_equal(history_days(h, a, place_take_day, &days), 0);
	return days;
}

uint32_t place_sec(uint32_t day)
{
	return day * WINDOW + 5;
}

void place_change(const struct place *p, const char *sql)
{
	sqlite3 *db = NULL;

	assert_int_equal(sqlite3_open(p->file, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}
