// SPDX-License-Identifier: GPL-2.0-or-later
/* Lines for those who follow. See told.h. */
#include "user/told.h"

#include <string.h>
#include "user/base/cleanup.h"
#include "user/control/server.h"
#include "user/requests.h"
#include "user/store/state.h"

static void publish(struct agent *a, enum topic topic, json_t *line)
{
	_cleanup_(freep) char *text = json_dumps(line, JSON_COMPACT);

	json_decref(line);
	if (text)
		control_server_publish(a->server, topic, text, strlen(text));
}

struct telling {
	struct agent *agent;
	struct moment moment;
	size_t n;
};

static json_t *change_line(const char *change)
{
	json_t *line = answer_new("drop_change");

	json_object_set_new(line, "change", json_string(change));
	return line;
}

/* An entry whose time was over is gone by itself. */
static const char *change_name(const struct telling *t, const struct entry *was,
			       const struct entry *is)
{
	if (!was)
		return "added";
	if (is)
		return "changed";
	return was->row.expires_sec && was->row.expires_sec <= t->moment.now_sec ? "expired"
										 : "removed";
}

static void tell(const struct entry *was, const struct entry *is, void *arg)
{
	struct telling *t = arg;
	json_t *line = change_line(change_name(t, was, is));

	json_object_set_new(line, "entry", json_entry(t->agent, is ? is : was, &t->moment));
	if (was && is)
		json_object_set_new(line, "was", json_entry(t->agent, was, &t->moment));
	publish(t->agent, TOPIC_DROPS, line);
}

void told_changes(struct agent *a, const struct entries *before)
{
	struct telling t = { .agent = a, .moment = moment_now() };
	struct entries_diff d;
	json_t *line;
	size_t all;

	if (!control_server_followers(a->server, TOPIC_DROPS))
		return;
	d = entries_compare(before, a->entries);
	all = d.added + d.removed + d.changed;
	if (all <= TOLD_MAX) {
		(void)entries_each_change(before, a->entries, tell, &t);
		return;
	}
	line = change_line("bulk");
	json_object_set_new(line, "count", json_integer((json_int_t)all));
	json_object_set_new(line, "added", json_integer((json_int_t)d.added));
	json_object_set_new(line, "removed", json_integer((json_int_t)d.removed));
	json_object_set_new(line, "changed", json_integer((json_int_t)d.changed));
	publish(a, TOPIC_DROPS, line);
}

static int tell_event(const struct audit *row, void *arg)
{
	struct agent *a = arg;

	a->told_id = row->id;
	publish(a, TOPIC_AUDIT, json_event(row));
	return 0;
}

void told_events(struct agent *a)
{
	struct audit_query query = { .after = a->told_id, .limit = TOLD_MAX };

	if (control_server_followers(a->server, TOPIC_AUDIT))
		(void)state_log(a->state, &query, tell_event, a, NULL);
	else
		(void)state_log_newest(a->state, &a->told_id);
}
