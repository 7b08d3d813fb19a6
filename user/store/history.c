/* SPDX-License-Identifier: GPL-2.0-or-later */
/* History: opened, written, aged. See history.h; the database is file.c's. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "user/base/cleanup.h"
#include "user/store/file.h"

/* Rows removed for each that may be written: what grows must shrink faster. And where nothing is
 * written, as many as this. */
#define REMOVE_FACTOR 2
#define REMOVE_LEAST 1000
#define REMOVE_MOST (1u << 30)
/* Of the limit an eighth is left to the log and to what comes before the next flush. */
#define ROOM_SHARE 8
#define VACUUM_PAGES 256 /* given back to the file system at a time, when the file is too large */

/* ---- open and close ---- */

int history_open(const struct history_settings *s, char *why, struct history **ret)
{
	_cleanup_(history_closep) struct history *h = calloc(1, sizeof(*h));
	int r;

	if (!h || strlen(s->path) >= sizeof(h->db.path)) {
		snprintf(why, HISTORY_WHY, "%.200s: %s", s->path,
			 h ? "the path is too long" : "out of memory");
		return h ? -ENAMETOOLONG : -ENOMEM;
	}
	h->settings = *s;
	memcpy(h->db.path, s->path, strlen(s->path) + 1);
	h->settings.path = h->db.path;
	r = file_open(h, why);
	if (r < 0)
		return r;
	*ret = take_ptr(h);
	return r;
}

void history_close(struct history *h)
{
	if (!h)
		return;
	if (h->db.handle && h->net_fold.span)
		(void)netfold_some(h, h->now_slot, SIZE_MAX);
	if (h->db.handle)
		(void)deeds_write(h, SIZE_MAX);
	db_close(&h->db);
	queue_clear(&h->queue);
	known_free(h->known);
	known_free(h->recall.known);
	free(h);
}

/* ---- the clock ---- */

#define CLOCK_BEHIND KEEP_HOURS	   /* of what is finer than days nothing would be left */
#define CLOCK_AHEAD SPAN_DAY_SLOTS /* no row begins later than its slot */
#define DOUBT_SEC 3600		   /* in which a clock is set, if there is anything to set it by */

static int newest_row(struct history *h, int64_t *ret)
{
	int64_t start, newest = 0; /* which is also what is no number */
	int r;

	for (unsigned int kind = 0; kind < KINDS; kind++) {
		r = db_number(&h->db, h->queries[kind][QUERY_NEWEST], &start);
		if (r < 0)
			return r;
		if (r && start > newest)
			newest = start;
	}
	*ret = newest;
	return newest > 0;
}

/* Once, before anything is written. */
static int compare_clock(struct history *h, uint32_t now_slot, uint32_t now_sec)
{
	int64_t newest;
	int r;

	if (h->compared)
		return 0;
	r = newest_row(h, &newest);
	if (r < 0)
		return r;
	h->compared = true;
	if (r && (newest + CLOCK_BEHIND < now_slot || newest > (int64_t)now_slot + CLOCK_AHEAD))
		h->doubt_sec = now_sec + DOUBT_SEC;
	return 0;
}

static bool is_doubted(const struct history *h, uint32_t now_sec)
{
	return now_sec < h->doubt_sec;
}

enum history_clock history_clock(struct history *h, int64_t now_unix, uint32_t now_sec)
{
	int64_t by = now_unix - now_sec - h->settings.epoch_sec;

	h->moved = llabs(by) > h->settings.window_sec / SPAN_DAY_SLOTS;
	return h->moved ? CLOCK_MOVED : is_doubted(h, now_sec) ? CLOCK_DOUBTED : CLOCK_TRUSTED;
}

/* ---- ageing ---- */

/* Removes at most `*budget` rows of a span, and takes them off it. */
static int remove_some(struct history *h, unsigned int kind, int64_t start, size_t *budget)
{
	sqlite3_stmt *s = h->queries[kind][QUERY_REMOVE];
	size_t removed;
	int r;

	sqlite3_bind_int64(s, 1, start);
	sqlite3_bind_int64(s, 2, (int64_t)*budget);
	r = db_do(&h->db, s);
	if (r < 0)
		return r;
	removed = (size_t)sqlite3_changes(h->db.handle);
	if (!removed)
		return db_damaged(&h->db, "rows that cannot be removed");
	*budget -= removed < *budget ? removed : *budget;
	return 0;
}

/* The first span that is too old, or lies where only a wrong clock can have been. 1, 0: none. */
static int next_old(struct history *h, unsigned int kind, uint32_t now_slot, int64_t *ret)
{
	int64_t oldest = (int64_t)now_slot - kept_slots(kind % SPANS);
	int r = file_next_start(h, kind, -1, ret);

	if (r <= 0 || *ret < oldest)
		return r;
	return file_next_start(h, kind, (int64_t)now_slot + CLOCK_AHEAD, ret);
}

static int remove_old(struct history *h, uint32_t now_slot, size_t *budget)
{
	int64_t start;
	int r = 0;

	for (unsigned int kind = 0; kind < KINDS; kind++) {
		while (*budget) {
			r = next_old(h, kind, now_slot, &start);
			if (r <= 0)
				break;
			r = remove_some(h, kind, start, budget);
			if (r < 0)
				return r;
		}
		if (r < 0)
			return r;
	}
	return 0;
}

/* Bytes of pages in use. */
static int used_bytes(struct history *h, uint64_t *ret)
{
	int64_t pages = 0, idle = 0, size = 0;
	int r;

	r = db_pragma(&h->db, "page_count", &pages);
	if (r == 0)
		r = db_pragma(&h->db, "freelist_count", &idle);
	if (r == 0)
		r = db_pragma(&h->db, "page_size", &size);
	if (r == 0)
		*ret = (uint64_t)((pages - idle) * size);
	return r;
}

/* What is given up first where there is no room: days of sources and prefixes, the oldest first,
 * then what is finer. 1: there is something. */
static int find_dispensable(struct history *h, unsigned int *ret_kind, int64_t *ret_start)
{
	int64_t start, net_start;
	int r, net;

	for (int span = SPAN_DAY; span >= 0; span--) {
		r = file_next_start(h, span, -1, &start);
		net = r < 0 ? r : file_next_start(h, KIND_NET + span, -1, &net_start);
		if (net < 0)
			return net;
		if (!r && !net)
			continue;
		*ret_kind = !r || (net && net_start < start) ? KIND_NET + span : span;
		*ret_start = *ret_kind < KIND_NET ? start : net_start;
		return 1;
	}
	return 0;
}

static int make_room(struct history *h, uint32_t now_slot, size_t *budget)
{
	uint64_t limit = h->settings.size_max - h->settings.size_max / ROOM_SHARE, used = 0;
	unsigned int kind;
	int64_t start;
	int r;

	while (*budget) {
		r = used_bytes(h, &used);
		if (r < 0 || used <= limit)
			return r;
		r = find_dispensable(h, &kind, &start);
		if (r > 0) {
			size_t some = *budget < REMOVE_LEAST ? *budget : REMOVE_LEAST, left = some;

			h->trimmed_slot = now_slot;
			r = remove_some(h, kind, start, &left);
			*budget -= some - left;
		}
		if (r <= 0)
			return r;
	}
	return 0;
}

/* A file that a higher limit let grow is made smaller step by step; else free pages are used again.
 */
static int shrink(struct history *h)
{
	int64_t pages = 0, idle = 0, size = 0;
	uint64_t limit = h->settings.size_max - h->settings.size_max / ROOM_SHARE;
	char sql[64];
	int r;

	r = db_pragma(&h->db, "page_count", &pages);
	if (r == 0)
		r = db_pragma(&h->db, "freelist_count", &idle);
	if (r == 0)
		r = db_pragma(&h->db, "page_size", &size);
	if (r < 0 || !idle || (uint64_t)(pages * size) <= limit)
		return r;
	snprintf(sql, sizeof(sql), "PRAGMA incremental_vacuum(%d)", VACUUM_PAGES);
	return db_run(&h->db, sql);
}

static int age(struct history *h, uint32_t now_slot, uint32_t now_sec, size_t max)
{
	size_t budget = max < REMOVE_MOST / REMOVE_FACTOR ? max * REMOVE_FACTOR : REMOVE_MOST;
	int r;

	if (budget < REMOVE_LEAST)
		budget = REMOVE_LEAST;
	r = db_run(&h->db, "BEGIN IMMEDIATE");
	if (r == 0 && !h->moved && !is_doubted(h, now_sec))
		r = remove_old(h, now_slot, &budget);
	if (r == 0)
		r = make_room(h, now_slot, &budget);
	if (r == 0)
		r = shrink(h);
	if (r == 0)
		r = db_run(&h->db, "COMMIT");
	if (r < 0)
		db_roll_back(&h->db);
	return r;
}

/* ---- flush ---- */

static int flush(struct history *h, size_t max, uint32_t now_slot, uint32_t now_sec)
{
	int r, aged;

	r = compare_clock(h, now_slot, now_sec);
	if (r == 0)
		r = netfold_some(h, now_slot, max);
	if (r > 0)
		return 1;
	if (r == 0)
		r = deeds_write(h, max);
	if (r == 0 && !h->queue.rows)
		r = fold_some(h, now_slot - 1, max); /* a turn may still tell of the last slot */
	/* Also where a full disk keeps rows from being written: this is what may help. */
	aged = h->db.damaged ? 0 : age(h, now_slot, now_sec, max);
	return r < 0 ? r : aged;
}

/* What readers met since the last flush is told now. */
static int tell_notice(struct history *h, char *why)
{
	int r = h->renewed ? -EUCLEAN : -EIO;

	snprintf(why, HISTORY_WHY, "%s", h->notice);
	h->notice[0] = '\0';
	h->renewed = false;
	return r;
}

int64_t history_flush(struct history *h, size_t max, uint32_t now_sec, char *why)
{
	uint32_t now_slot = slot_at(h->settings.epoch_sec + now_sec, h->settings.window_sec);
	int r;

	h->now_slot = now_slot;
	if (h->renewed)
		return tell_notice(h, why);
	if (!h->db.handle) {
		r = file_open(h, why);
		if (r != 0)
			return r < 0 ? r : -EUCLEAN;
	}
	r = flush(h, max, now_slot, now_sec);
	if (r < 0)
		snprintf(why, HISTORY_WHY, "%.120s: %.120s", h->db.path, h->db.error);
	r = file_end(h, r);
	if (h->renewed || (r >= 0 && h->notice[0]))
		return tell_notice(h, why);
	return r < 0 ? r : (int64_t)h->queue.rows + r;
}

/* ---- state ---- */

/* A day is counted once. It is written for a while after its end, so not the newest one for good. */
static int count_day(struct history *h, uint32_t start, uint64_t *ret)
{
	sqlite3_stmt *s = h->queries[SPAN_DAY][QUERY_COUNT];
	int64_t n = 0;
	int r;

	if (h->counted_start != start || h->queue.rows) {
		sqlite3_bind_int64(s, 1, start);
		r = db_number(&h->db, s, &n);
		if (r < 0)
			return r;
		h->counted_start = start;
		h->counted = (uint64_t)n;
	}
	*ret = h->counted;
	return 0;
}

bool history_full(const struct history *h)
{
	return h->trimmed_slot && h->now_slot - h->trimmed_slot < SPAN_DAY_SLOTS;
}

uint64_t history_lost(const struct history *h)
{
	return h->queue.lost;
}

static int read_state(struct history *h, struct history_state *s)
{
	int64_t start = -1, oldest = INT64_MAX;
	int r;

	for (unsigned int kind = 0; kind < SPANS; kind++) {
		int64_t first;

		r = file_next_start(h, kind, -1, &first);
		if (r < 0)
			return r;
		if (r && first < oldest)
			oldest = first;
	}
	while ((r = file_next_start(h, SPAN_DAY, start, &start)) > 0)
		s->days++;
	if (r == 0 && start >= 0)
		r = count_day(h, (uint32_t)start, &s->sources);
	if (r == 0 && oldest != INT64_MAX)
		s->oldest_unix = slot_unix(h, oldest);
	return r;
}

int history_state(struct history *h, struct history_state *ret)
{
	struct history_state s = {
		.queued = h->queue.rows,
		.lost = h->queue.lost,
		.bytes = db_bytes(&h->db),
		.full = history_full(h),
	};
	int r = h->db.handle ? file_end(h, read_state(h, &s)) : 0;

	if (r < 0)
		return r;
	*ret = s;
	return 0;
}
