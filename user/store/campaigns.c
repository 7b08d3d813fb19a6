/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Campaigns on the disk: the live list, and what was known when something was decided. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "user/base/cleanup.h"
#include "user/shoal/campaign.h"
#include "user/store/file.h"
#include "user/store/record.h"

#define CAMPAIGNS_MAX 65535 /* as many as there are names */
/* Of one campaign; a day of slots. The oldest go first. */
#define DOSSIERS_MAX 144
/* Of all, ended ones too. */
#define DOSSIERS_ALL 20000

/* ---- saved ---- */

static int save_one(struct history *h, sqlite3_stmt *s, const struct campaign *c)
{
	json_t *record = record_write(c, h->settings.epoch_sec);
	_cleanup_(freep) char *text = record ? json_dumps(record, JSON_COMPACT) : NULL;
	_cleanup_(freep) uint8_t *members = NULL;
	size_t size;

	json_decref(record);
	if (!text || members_write(c, h->settings.epoch_sec, &members, &size) < 0)
		return -ENOMEM;
	sqlite3_bind_int64(s, 1, c->id);
	sqlite3_bind_int(s, 2, RECORD_FORM);
	sqlite3_bind_text(s, 3, text, -1, SQLITE_STATIC);
	sqlite3_bind_blob64(s, 4, members, size, SQLITE_STATIC);
	return db_do(&h->db, s);
}

static int save_all(struct history *h, const struct campaigns *c)
{
	_cleanup_(stmt_finalizep) sqlite3_stmt *s = NULL;
	int r;

	r = db_prepare(&h->db, "INSERT INTO campaign VALUES (?1, ?2, ?3, ?4)", &s);
	for (size_t i = 0; i < c->n && r == 0; i++)
		r = save_one(h, s, &c->list[i]);
	return r;
}

int history_save_campaigns(struct history *h, const struct campaigns *c)
{
	int r;

	if (!h->db.handle)
		return -EIO;
	r = db_run(&h->db, "BEGIN IMMEDIATE; DELETE FROM campaign");
	if (r == 0)
		r = save_all(h, c);
	if (r == 0)
		r = db_run(&h->db, "COMMIT");
	if (r < 0)
		db_roll_back(&h->db);
	return file_end(h, r);
}

/* ---- restored ---- */

static void campaigns_freep(struct campaigns **c)
{
	campaigns_free(*c);
	*c = NULL;
}

static int read_campaign(const struct history *h, sqlite3_stmt *s, struct campaign *ret)
{
	const char *text = (const char *)sqlite3_column_text(s, 1);
	_cleanup_(json_decrefp) json_t *record = NULL;
	const uint8_t *members = sqlite3_column_blob(s, 2);
	struct campaign c = { 0 };
	int r;

	record = text ? json_loads(text, 0, NULL) : NULL;
	r = record_read(record, h->settings.epoch_sec, &c);
	if (r < 0)
		return r;
	if (c.id != sqlite3_column_int64(s, 0))
		r = -EBADMSG;
	if (r == 0)
		r = members_read(members, (size_t)sqlite3_column_bytes(s, 2), h->settings.epoch_sec,
				 &c);
	if (r < 0) {
		campaign_clear(&c);
		return r;
	}
	*ret = c;
	return 0;
}

/* Nothing of a campaign that no window can hold any more. */
static bool is_over(const struct history *h, const struct campaign *c, uint32_t now_sec)
{
	uint64_t season =
		(uint64_t)h->settings.window_sec * window_slots(WINDOW_SEASON) / SPAN_DAY_SLOTS;

	return now_sec > c->last_sec && now_sec - c->last_sec > season;
}

static int append(struct campaigns *list, const struct campaign *c)
{
	struct campaign *more;

	/* Doubled whenever it is full: its sizes are the powers of two. */
	if (!(list->n & (list->n - 1))) {
		more = reallocarray(list->list, list->n ? list->n * 2 : 1, sizeof(*more));
		if (!more)
			return -ENOMEM;
		list->list = more;
	}
	list->list[list->n++] = *c;
	return 0;
}

static int read_all(struct history *h, uint32_t now_sec, struct campaigns *list, size_t *left_out)
{
	_cleanup_(stmt_finalizep) sqlite3_stmt *s = NULL;
	struct campaign c;
	int r, res;

	res = db_prepare(&h->db, "SELECT id, record, members, form FROM campaign ORDER BY rowid",
			 &s);
	if (res < 0)
		return res;
	while ((r = sqlite3_step(s)) == SQLITE_ROW && list->n < CAMPAIGNS_MAX) {
		res = sqlite3_column_int(s, 3) == RECORD_FORM ? read_campaign(h, s, &c) : -EBADMSG;
		if (res == -ENOMEM)
			return res;
		if (res < 0) {
			++*left_out;
			continue;
		}
		res = is_over(h, &c, now_sec) ? 1 : append(list, &c);
		if (res != 0)
			campaign_clear(&c);
		if (res < 0)
			return res;
	}
	return r == SQLITE_ROW || r == SQLITE_DONE ? 0 : db_errno(&h->db, r);
}

/* Strongest first, as a round leaves them. */
static int by_strength(const void *a, const void *b)
{
	const struct campaign *x = a, *y = b;

	if (x->q_value != y->q_value)
		return x->q_value < y->q_value ? -1 : 1;
	return x->n_members != y->n_members ? (x->n_members < y->n_members ? 1 : -1)
					    : (x->id > y->id) - (x->id < y->id);
}

int history_campaigns(struct history *h, uint32_t now_sec, struct campaigns **ret,
		      size_t *ret_left_out)
{
	_cleanup_(campaigns_freep) struct campaigns *list = calloc(1, sizeof(*list));
	size_t left_out = 0;
	int r;

	if (!list)
		return -ENOMEM;
	r = h->db.handle ? file_end(h, read_all(h, now_sec, list, &left_out)) : 0;
	if (r < 0)
		return r;
	if (list->n)
		qsort(list->list, list->n, sizeof(*list->list), by_strength);
	*ret = take_ptr(list);
	*ret_left_out = left_out;
	return 0;
}

/* ---- dossiers ---- */

static int put_dossier(struct history *h, uint32_t campaign, const struct dossier *d)
{
	_cleanup_(stmt_finalizep) sqlite3_stmt *s = NULL;
	int r;

	r = db_prepare(&h->db,
		       "INSERT INTO dossier (campaign, at, event, json) VALUES (?1, ?2, ?3, ?4)",
		       &s);
	if (r < 0)
		return r;
	sqlite3_bind_int64(s, 1, campaign);
	sqlite3_bind_int64(s, 2, d->unix_sec);
	sqlite3_bind_text(s, 3, d->event, (int)strnlen(d->event, sizeof(d->event)), SQLITE_STATIC);
	sqlite3_bind_text(s, 4, d->json, -1, SQLITE_STATIC);
	return db_do(&h->db, s);
}

static int trim_dossiers(struct history *h, uint32_t campaign)
{
	char sql[256];

	snprintf(sql, sizeof(sql),
		 "DELETE FROM dossier WHERE id IN (SELECT id FROM dossier WHERE campaign = %u "
		 "ORDER BY at DESC, id DESC LIMIT -1 OFFSET %d);"
		 "DELETE FROM dossier WHERE id <= (SELECT max(id) FROM dossier) - %d",
		 campaign, DOSSIERS_MAX, DOSSIERS_ALL);
	return db_run(&h->db, sql);
}

static int remove_dossiers(struct history *h, uint32_t campaign)
{
	char sql[64];

	snprintf(sql, sizeof(sql), "DELETE FROM dossier WHERE campaign = %u", campaign);
	return db_run(&h->db, sql);
}

int history_put_dossier(struct history *h, uint32_t campaign, const struct dossier *d, bool anew)
{
	int r;

	if (!h->db.handle)
		return -EIO;
	r = db_run(&h->db, "BEGIN IMMEDIATE");
	if (r == 0 && anew)
		r = remove_dossiers(h, campaign);
	if (r == 0)
		r = put_dossier(h, campaign, d);
	if (r == 0)
		r = trim_dossiers(h, campaign);
	if (r == 0)
		r = db_run(&h->db, "COMMIT");
	if (r < 0)
		db_roll_back(&h->db);
	return file_end(h, r);
}

static int each_dossier(struct history *h, uint32_t campaign, size_t limit,
			int (*visit)(const struct dossier *d, void *arg), void *arg)
{
	_cleanup_(stmt_finalizep) sqlite3_stmt *s = NULL;
	int r, res;

	res = db_prepare(&h->db,
			 "SELECT at, event, json FROM dossier WHERE campaign = ?1 "
			 "ORDER BY at DESC, id DESC LIMIT ?2",
			 &s);
	if (res < 0)
		return res;
	sqlite3_bind_int64(s, 1, campaign);
	sqlite3_bind_int64(s, 2, (int64_t)limit);
	while ((r = sqlite3_step(s)) == SQLITE_ROW) {
		const char *event = (const char *)sqlite3_column_text(s, 1);
		struct dossier d = {
			.unix_sec = sqlite3_column_int64(s, 0),
			.json = (char *)sqlite3_column_text(s, 2),
		};

		if (!event || !d.json)
			continue;
		snprintf(d.event, sizeof(d.event), "%s", event);
		res = visit(&d, arg);
		if (res < 0)
			return res;
	}
	return r == SQLITE_DONE ? 0 : db_errno(&h->db, r);
}

int history_dossiers(struct history *h, uint32_t campaign, size_t limit,
		     int (*visit)(const struct dossier *d, void *arg), void *arg)
{
	return h->db.handle ? file_end(h, each_dossier(h, campaign, limit, visit, arg)) : 0;
}
