/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A trial: what people had before it, copied within the file, and put back unless it is confirmed.
 */
#include <errno.h>
#include <string.h>
#include "user/base/cleanup.h"
#include "user/store/state_file.h"

/* Whose claims a trial is about. */
#define PEOPLE "origin IN (0, 1)"
_Static_assert(SEINE_EXTERNAL == 0 && SEINE_OPERATOR == 1, "PEOPLE names them by number");

static const char copy[] = "DELETE FROM trial_claim; DELETE FROM trial_allow;"
			   "INSERT INTO trial_claim SELECT * FROM claim WHERE " PEOPLE ";"
			   "INSERT INTO trial_allow SELECT * FROM allow;";
static const char put_back[] = "DELETE FROM claim WHERE " PEOPLE "; DELETE FROM allow;"
			       "INSERT INTO claim SELECT * FROM trial_claim;"
			       "INSERT INTO allow SELECT * FROM trial_allow;"
			       "UPDATE meta SET mode = (SELECT mode FROM trial), conf_mode = "
			       "(SELECT conf_mode FROM trial)";
static const char forget[] = "DELETE FROM trial; DELETE FROM trial_claim; DELETE FROM trial_allow";

int state_read_trial(struct state *s, struct state_trial *ret)
{
	sqlite3_stmt *q = s->queries[STATE_TRIAL];
	struct state_trial t = { 0 };
	int r = sqlite3_step(q);

	if (r == SQLITE_ROW) {
		t.active = true;
		t.began_unix = sqlite3_column_int64(q, 0);
		t.until_sec = state_sec(s, sqlite3_column_int64(q, 1));
		if (state_column(q, 2, &t.uid) < 0)
			t.uid = SEINE_NO_ACTOR;
		state_column_text(q, 3, t.actor, sizeof(t.actor));
		t.mode_set = sqlite3_column_type(q, 4) == SQLITE_INTEGER;
		t.mode =
			sqlite3_column_int64(q, 4) == SEINE_ENFORCE ? SEINE_ENFORCE : SEINE_OBSERVE;
	}
	sqlite3_reset(q);
	if (r != SQLITE_ROW && r != SQLITE_DONE)
		return db_errno(&s->db, r);
	*ret = t;
	return 0;
}

/* 1: there is one, 0: none. */
static int is_active(struct state *s)
{
	struct state_trial t;
	int r = state_read_trial(s, &t);

	return r < 0 ? r : t.active;
}

int state_trial_begin(struct state *s, uint32_t until_sec, uint32_t uid, const char *actor)
{
	const int64_t numbers[] = { s->epoch_sec + s->now_sec, state_unix(s, until_sec), uid };
	int r = state_writing(s);

	if (r < 0)
		return r;
	r = is_active(s);
	if (r > 0)
		return -EEXIST;
	if (r == 0)
		r = db_run(&s->db, copy);
	if (r == 0) {
		sqlite3_bind_text(s->queries[STATE_TRIAL_PUT], 4, actor,
				  (int)strnlen(actor, STATE_NAME - 1), SQLITE_STATIC);
		r = state_do(s, STATE_TRIAL_PUT, ARRAY_LEN(numbers), numbers);
	}
	return state_done(s, r);
}

int state_trial_confirm(struct state *s)
{
	int r = state_writing(s);

	if (r < 0)
		return r;
	r = is_active(s);
	if (r == 0)
		return -ENOENT;
	return state_done(s, r < 0 ? r : db_run(&s->db, forget));
}

int state_trial_revert(struct state *s)
{
	int r = state_writing(s);

	if (r < 0)
		return r;
	r = is_active(s);
	if (r == 0)
		return -ENOENT;
	if (r > 0)
		r = db_run(&s->db, put_back);
	if (r == 0)
		r = state_do(s, STATE_RAISE, 0, NULL);
	if (r == 0)
		r = db_run(&s->db, forget);
	return state_done(s, r);
}

int state_trial_copy(struct state *s, uint32_t now_sec, struct claims **ret_claims,
		     struct allow_entry **ret_allows, size_t *ret_n_allows)
{
	_cleanup_(claims_freep) struct claims *claims = NULL;
	size_t left_out = 0;
	int r;

	if (!s->db.handle)
		return state_tell(s, -EIO, "not open");
	r = state_read_claims(s, STATE_TRIAL_CLAIMS, 0, now_sec, &claims, &left_out);
	if (r == 0)
		r = state_read_allows(s, STATE_TRIAL_ALLOWS, now_sec, ret_allows, ret_n_allows,
				      &left_out);
	if (r < 0)
		return state_end_reading(s, r);
	*ret_claims = take_ptr(claims);
	return 0;
}
