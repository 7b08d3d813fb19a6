/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `log`: the audit, who did what and when; `apply`: changes on trial.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include "user/base/cleanup.h"
#include "user/control/answer.h"
#include "user/control/request.h"
#include "user/requests.h"
#include "user/told.h"
#include "user/trial.h"

/* --- log -------------------------------------------------------------------------------------- */

#define LOG_SEARCHED 100000 /* events looked through for those about a campaign */

struct collection {
	json_t *events;	 /* the newest last */
	char object[16]; /* empty: all */
	size_t limit;
	uint64_t found;
};

static int collect(const struct audit *row, void *arg)
{
	struct collection *c = arg;

	if (c->object[0] && (!row->object || strcmp(row->object, c->object) != 0))
		return 0;
	if (++c->found > c->limit)
		return 0;
	return json_array_insert_new(c->events, 0, json_event(row)) < 0 ? -ENOMEM : 0;
}

/* Events about a prefix are found by an index, those about a campaign by looking. */
static int read_log(struct agent *a, const struct request_log *wanted, struct collection *c,
		    uint64_t *ret_total)
{
	const struct audit_query query = {
		.after = -1,
		.limit = wanted->campaign ? LOG_SEARCHED : wanted->limit,
		.within = wanted->within.len ? &wanted->within : NULL,
	};
	int r;

	c->limit = wanted->limit;
	if (wanted->campaign)
		snprintf(c->object, sizeof(c->object), "c-%04" PRIx32, wanted->campaign);
	r = state_log(a->state, &query, collect, c, ret_total);
	if (r == 0 && wanted->campaign)
		*ret_total = c->found;
	return r;
}

int request_log(struct agent *a, const json_t *request, const struct moment *m, char *why,
		struct answer *ret)
{
	struct collection c = { .events = json_array() };
	_cleanup_(json_decrefp) json_t *events = c.events;
	struct request_log wanted;
	uint64_t total = 0;
	int r;

	(void)m;
	r = request_log_rows(request, why, &wanted);
	if (r < 0)
		return r;
	if (a->state)
		r = read_log(a, &wanted, &c, &total);
	if (r < 0)
		return request_fail(r, why, "%s", state_why(a->state));
	ret->head = answer_new("log");
	json_object_set_new(ret->head, "total", json_integer((json_int_t)total));
	json_object_set_new(ret->head, "kept", json_boolean(a->state != NULL));
	json_object_set(ret->head, "events", events);
	return 0;
}

int request_log_follow(struct agent *a, const json_t *request, const struct moment *m, char *why,
		       struct answer *ret)
{
	int r = request_nothing(request, why);

	(void)m;
	if (r == 0)
		r = request_follow(a, why);
	if (r < 0)
		return r;
	ret->head = answer_new("log_follow");
	ret->topic = TOPIC_AUDIT;
	return 0;
}

/* --- apply ------------------------------------------------------------------------------------ */

static int answer_trial(struct agent *a, const struct moment *m, struct answer *ret)
{
	json_t *trial = json_trial(a, m);

	ret->head = answer_new("trial");
	json_object_set_new(ret->head, "active", json_false());
	if (json_is_object(trial))
		json_object_update(ret->head, trial);
	json_decref(trial);
	return 0;
}

int request_trial_show(struct agent *a, const json_t *request, const struct moment *m, char *why,
		       struct answer *ret)
{
	int r = request_nothing(request, why);

	return r < 0 ? r : answer_trial(a, m, ret);
}

int request_trial_begin(struct agent *a, const json_t *request, const struct moment *m, char *why,
			struct answer *ret)
{
	uint32_t within_sec = 0;
	int r;

	r = request_trial(request, why, &within_sec);
	if (r == 0)
		r = trial_begin(a, within_sec, m, why);
	return r < 0 ? r : answer_trial(a, m, ret);
}

int request_trial_confirm(struct agent *a, const json_t *request, const struct moment *m, char *why,
			  struct answer *ret)
{
	int r = request_nothing(request, why);

	if (r == 0)
		r = trial_confirm(a, m, why);
	return r < 0 ? r : answer_trial(a, m, ret);
}

int request_trial_revert(struct agent *a, const json_t *request, const struct moment *m, char *why,
			 struct answer *ret)
{
	int r = request_nothing(request, why);

	if (r == 0)
		r = trial_revert(a, m, why);
	return r < 0 ? r : answer_trial(a, m, ret);
}
