/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rows of sources and prefixes: queued, written, read. */
#include <errno.h>
#include <string.h>
#include "user/store/file.h"
#include "user/store/pack.h"

/* ---- queued ---- */

int history_put(enum span span, uint32_t start, const struct deed *deed, void *history)
{
	uint8_t key[KEY_BYTES], data[DEED_BYTES];
	struct history *h = history;
	const struct queued row = {
		.kind = span,
		.start = start,
		.key = key,
		.data = data,
		.key_size = key_pack(deed->source, key),
		.data_size = deed_pack(deed, data),
	};

	if (h->known)
		known_add(h->known, deed->source);
	return queue_put(&h->queue, &row);
}

int history_put_net(struct history *h, enum span span, uint32_t start, const struct net_deed *d)
{
	uint8_t key[KEY_BYTES], data[NET_BYTES];
	const struct queued row = {
		.kind = KIND_NET + span,
		.start = start,
		.key = key,
		.data = data,
		.key_size = key_pack(d->net, key),
		.data_size = net_pack(d, data),
	};

	return queue_put(&h->queue, &row);
}

/* ---- what SQL cannot add ---- */

static const uint8_t *blob(sqlite3_value *v, size_t *ret_size)
{
	const uint8_t *at = sqlite3_value_blob(v);

	*ret_size = at ? (size_t)sqlite3_value_bytes(v) : 0;
	return at;
}

/* What cannot be read any more gives way to what is new. */
static void add_deeds(sqlite3_context *c, int n, sqlite3_value **values)
{
	struct deed to = { 0 }, later = { 0 };
	uint8_t packed[DEED_BYTES];
	const uint8_t *at;
	size_t size;

	(void)n;
	at = blob(values[0], &size);
	(void)deed_unpack(at, size, &to);
	at = blob(values[1], &size);
	(void)deed_unpack(at, size, &later);
	deed_merge(&to, &later);
	sqlite3_result_blob(c, packed, (int)deed_pack(&to, packed), SQLITE_TRANSIENT);
}

static void add_nets(sqlite3_context *c, int n, sqlite3_value **values)
{
	struct net_deed to = { 0 }, later = { 0 };
	uint8_t packed[NET_BYTES];
	const uint8_t *at;
	size_t size;

	(void)n;
	at = blob(values[0], &size);
	(void)net_unpack(at, size, &to);
	at = blob(values[1], &size);
	(void)net_unpack(at, size, &later);
	net_merge(&to, &later);
	sqlite3_result_blob(c, packed, (int)net_pack(&to, packed), SQLITE_TRANSIENT);
}

int deeds_register(struct history *h)
{
	const int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC;
	int r;

	r = sqlite3_create_function(h->db.handle, "seine_add_deeds", 2, flags, NULL, add_deeds,
				    NULL, NULL);
	if (r == SQLITE_OK)
		r = sqlite3_create_function(h->db.handle, "seine_add_nets", 2, flags, NULL,
					    add_nets, NULL, NULL);
	return r == SQLITE_OK ? 0 : db_errno(&h->db, r);
}

/* ---- written ---- */

int file_put(struct history *h, sqlite3_stmt *s, const struct queued *row)
{
	sqlite3_bind_int64(s, 1, row->start);
	sqlite3_bind_blob(s, 2, row->key, (int)row->key_size, SQLITE_STATIC);
	sqlite3_bind_blob(s, 3, row->data, (int)row->data_size, SQLITE_STATIC);
	return db_do(&h->db, s);
}

static int write_rows(struct history *h, size_t max)
{
	struct queued row;
	int r = 0;

	for (size_t i = 0; i < max; i++) {
		r = queue_take(&h->queue, &row);
		if (r <= 0)
			break;
		r = file_put(h, h->queries[row.kind][QUERY_PUT], &row);
		if (r < 0)
			break;
	}
	return r < 0 ? r : 0;
}

int deeds_write(struct history *h, size_t max)
{
	int r;

	if (!h->queue.rows || !max)
		return 0;
	r = db_run(&h->db, "BEGIN IMMEDIATE");
	if (r == 0)
		r = write_rows(h, max);
	if (r == 0)
		r = db_run(&h->db, "COMMIT");
	if (r == 0) {
		queue_settle(&h->queue);
		return 0;
	}
	queue_return(&h->queue);
	db_roll_back(&h->db);
	return r;
}

/* ---- read ---- */

/* The packed row of a span; valid until the statement is reset, which is the caller's. 1, 0: none. */
static int get(struct history *h, sqlite3_stmt *s, int64_t start, const uint8_t *key,
	       size_t key_size, const uint8_t **ret, size_t *ret_size)
{
	int r;

	sqlite3_bind_int64(s, 1, start);
	sqlite3_bind_blob(s, 2, key, (int)key_size, SQLITE_STATIC);
	r = sqlite3_step(s);
	if (r == SQLITE_DONE)
		return 0;
	if (r != SQLITE_ROW)
		return db_errno(&h->db, r);
	*ret = sqlite3_column_blob(s, 0);
	*ret_size = (size_t)sqlite3_column_bytes(s, 0);
	return *ret ? 1 : 0;
}

int deeds_get(struct history *h, enum span span, uint32_t start, const uint8_t *key,
	      size_t key_size, struct deed *ret)
{
	sqlite3_stmt *s = h->queries[span][QUERY_GET];
	const uint8_t *data;
	size_t size;
	int r;

	r = get(h, s, start, key, key_size, &data, &size);
	if (r == 1 && deed_unpack(data, size, ret) < 0)
		r = 0;
	sqlite3_reset(s);
	return r;
}

int file_next_start(struct history *h, unsigned int kind, int64_t after, int64_t *ret)
{
	sqlite3_stmt *s = h->queries[kind][QUERY_NEXT];
	int64_t start;
	int r;

	sqlite3_bind_int64(s, 1, after);
	r = db_number(&h->db, s, &start);
	if (r <= 0)
		return r;
	/* Something else than a number comes out as 0, and would be the next one for ever. */
	if (start <= after || start > UINT32_MAX)
		return db_damaged(&h->db, "spans that are none");
	*ret = start;
	return 1;
}

int64_t slot_unix(const struct history *h, int64_t slot)
{
	return (slot * h->settings.window_sec + SPAN_DAY_SLOTS - 1) / SPAN_DAY_SLOTS;
}

static int each_day(struct history *h, const uint8_t source[16],
		    int (*visit)(int64_t start_unix, const struct deed *deed, void *arg), void *arg)
{
	struct deed deed = { 0 };
	uint8_t key[KEY_BYTES];
	size_t key_size = key_pack(source, key);
	int64_t start = -1;
	int r;

	memcpy(deed.source, source, sizeof(deed.source));
	while ((r = file_next_start(h, SPAN_DAY, start, &start)) > 0) {
		r = deeds_get(h, SPAN_DAY, (uint32_t)start, key, key_size, &deed);
		if (r > 0)
			r = visit(slot_unix(h, start), &deed, arg);
		if (r < 0)
			break;
	}
	return r;
}

int history_days(struct history *h, const uint8_t source[16],
		 int (*visit)(int64_t start_unix, const struct deed *deed, void *arg), void *arg)
{
	return h->db.handle ? file_end(h, each_day(h, source, visit, arg)) : 0;
}

static int each_net_day(struct history *h, const uint8_t net[16],
			int (*visit)(int64_t start_unix, const struct net_deed *d, void *arg),
			void *arg)
{
	sqlite3_stmt *s = h->queries[KIND_NET + SPAN_DAY][QUERY_GET];
	struct net_deed deed = { 0 };
	uint8_t key[KEY_BYTES];
	size_t key_size = key_pack(net, key), size;
	const uint8_t *data;
	int64_t start = -1;
	int r;

	memcpy(deed.net, net, sizeof(deed.net));
	while ((r = file_next_start(h, KIND_NET + SPAN_DAY, start, &start)) > 0) {
		r = get(h, s, start, key, key_size, &data, &size);
		if (r == 1 && net_unpack(data, size, &deed) < 0)
			r = 0;
		sqlite3_reset(s);
		if (r > 0)
			r = visit(slot_unix(h, start), &deed, arg);
		if (r < 0)
			break;
	}
	return r;
}

int history_net_days(struct history *h, const uint8_t net[16],
		     int (*visit)(int64_t start_unix, const struct net_deed *d, void *arg),
		     void *arg)
{
	return h->db.handle ? file_end(h, each_net_day(h, net, visit, arg)) : 0;
}
