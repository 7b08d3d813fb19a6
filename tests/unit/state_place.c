/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A state of a test's own; see state_place.h. */
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
#include "tests/unit/state_place.h"

/* xorshift64 (Marsaglia 2003) */
uint32_t state_place_random(uint32_t n)
{
	static uint64_t x = 88172645463325252ull;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return (uint32_t)(x >> 32) % n;
}

int state_place_make(void **state)
{
	struct state_place *p = calloc(1, sizeof(*p));

	if (!p)
		return -1;
	strcpy(p->dir, "/tmp/seine-state-XXXXXX");
	if (!mkdtemp(p->dir))
		return -1;
	snprintf(p->file, sizeof(p->file), "%s/state.db", p->dir);
	p->settings = (struct state_settings){
		.path = p->file,
		.boot = "first",
		.epoch_sec = EPOCH,
		.now_sec = NOW,
	};
	*state = p;
	return 0;
}

int state_place_files(const struct state_place *p, const char *part, bool remove)
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

int state_place_drop(void **state)
{
	struct state_place *p = *state;

	state_place_files(p, "", true);
	rmdir(p->dir);
	free(p);
	return 0;
}

void state_place_change(const struct state_place *p, const char *sql)
{
	sqlite3 *db = NULL;
	char *why = NULL;

	assert_int_equal(sqlite3_open(p->file, &db), SQLITE_OK);
	if (sqlite3_exec(db, sql, NULL, NULL, &why) != SQLITE_OK)
		fail_msg("%s: %s", sql, why);
	sqlite3_close(db);
}

struct state *state_place_open(const struct state_place *p)
{
	struct state *s = NULL;
	char why[STATE_WHY] = "";

	if (state_open(&p->settings, why, &s) != 0)
		fail_msg("%s", why);
	return s;
}

struct state *state_place_reboot(struct state_place *p, int64_t away_sec)
{
	p->settings.epoch_sec += p->settings.now_sec + away_sec - 10;
	p->settings.now_sec = 10;
	p->settings.boot = "second";
	return state_place_open(p);
}

struct state_loaded state_place_load(struct state *s, uint32_t now_sec)
{
	struct state_loaded l = { 0 };

	if (state_load(s, now_sec, &l) != 0)
		fail_msg("%s", state_why(s));
	assert_int_equal(l.left_out, 0);
	return l;
}

void state_place_commit(struct state *s)
{
	if (state_commit(s) != 0)
		fail_msg("%s", state_why(s));
}

struct entry state_place_entry(uint32_t n, uint32_t version)
{
	static const enum seine_origin origins[] = { SEINE_OPERATOR, SEINE_EXTERNAL, SEINE_AUTO,
						     SEINE_FEED, SEINE_FLEET };
	uint32_t x = n * 2654435761u + version * 40503u;
	struct entry e = {
		.row = {
			.hello_key = n % 5 ? 0 : 0xfedcba9876543210ull + n,
			.action = x % 4,
			.origin = origins[n % 5],
			.added_sec = 1 + x % (NOW - 1),
			.expires_sec = n % 7 ? NOW + 1 + x % 100000 : 0,
			.share = x % SEINE_SHARE,
			.rate_pps = x >> 3,
			.burst = x >> 5,
			.campaign = n % 3 ? 0 : n,
			.actor = n % 4 ? n % 1000 : SEINE_NO_ACTOR,
		},
	};
	uint8_t ip[16] = { 0 };

	if (n % 3) {
		ip[10] = ip[11] = 0xff;
		ip[12] = 100;
	} else {
		ip[0] = 0x20;
		ip[1] = 0x01;
	}
	ip[n % 3 ? 13 : 5] = (uint8_t)(n >> 16);
	ip[n % 3 ? 14 : 6] = (uint8_t)(n >> 8);
	ip[n % 3 ? 15 : 7] = (uint8_t)n;
	e.prefix = prefix_of(ip, n % 3 ? 128 : 64);
	snprintf(e.row.note, sizeof(e.row.note), n % 2 ? "" : "note %u of %u", n, version);
	return e;
}

struct claims *state_place_claims(uint32_t n, uint32_t version)
{
	struct claims *c = NULL;

	assert_int_equal(claims_new(n, &c), 0);
	for (uint32_t i = 0; i < n; i++) {
		struct entry e = state_place_entry(i, version);

		assert_int_equal(claims_append(c, &e), 0);
	}
	assert_int_equal(claims_sort(c), 0);
	assert_int_equal(c->n, n);
	return c;
}

void state_place_record(struct state *s, const struct claims *before, const struct claims *after)
{
	if (state_begin(s, NOW) != 0 || state_record_claims(s, before, after) < 0)
		fail_msg("%s", state_why(s));
	state_place_commit(s);
}

void state_place_same(const struct claims *a, const struct claims *b)
{
	assert_int_equal(a->n, b->n);
	for (size_t i = 0; i < a->n; i++) {
		assert_int_equal(prefix_compare(&a->list[i].prefix, &b->list[i].prefix), 0);
		assert_memory_equal(&a->list[i].row, &b->list[i].row, sizeof(a->list[i].row));
	}
}

struct prefix state_place_prefix(const char *text)
{
	char why[128] = "";
	struct prefix p;

	if (prefix_parse(text, why, sizeof(why), &p) < 0)
		fail_msg("%s", why);
	return p;
}
