/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `campaign approve`, `reject`, `pause`: an operator's word on how far a campaign may go.
 */
#include <errno.h>
#include <inttypes.h>
#include "user/auditing.h"
#include "user/base/cleanup.h"
#include "user/control/answer.h"
#include "user/control/request.h"
#include "user/requests.h"
#include "user/standings.h"

static json_int_t count_entries(const struct agent *a, uint32_t campaign)
{
	json_int_t n = 0;

	for (size_t i = 0; i < a->entries->n; i++)
		n += a->entries->list[i].row.origin == SEINE_AUTO &&
		     a->entries->list[i].row.campaign == campaign;
	return n;
}

json_t *json_standing(struct agent *a, uint32_t campaign, const struct moment *m)
{
	const struct standing *s = ladder_find(&a->mind->ladder, campaign);
	const struct judge_settings *settings = &a->conf.judge;
	bool enforcing = a->conf.cfg.mode == SEINE_ENFORCE;
	const char *reason;
	uint32_t rises_sec;
	bool rises;

	if (!s)
		return json_null();
	rises = enforcing && ladder_rises(s, settings, &rises_sec);
	reason = ladder_hindrance(s, campaigns_find(a->mind->campaigns, campaign), settings,
				  enforcing);
	if (!reason && s->reason[0])
		reason = s->reason;
	return json_pack(
		"{s:o, s:s, s:s, s:b, s:o, s:o, s:o, s:o, s:o, s:I, s:I, s:I, s:I, s:s}",
		"campaign", answer_campaign(campaign), "rung", rung_name(s->rung), "order",
		order_name(s->order), "urged", s->urged, "actor",
		s->order == ORDER_NONE ? json_null() : json_string(agent_user(a, s->actor)), "note",
		answer_text(s->note, sizeof(s->note)), "since", json_time(m, s->since_sec), "rises",
		rises ? json_time(m, rises_sec) : json_null(), "reason",
		reason ? json_string(reason) : json_null(), "rollbacks", (json_int_t)s->rollbacks,
		"entries", count_entries(a, campaign), "held_out", (json_int_t)s->held_out,
		"held_out_alike", (json_int_t)s->held_out_alike, "mode",
		mode_name(a->conf.cfg.mode));
}

static int order(struct agent *a, const json_t *request, enum order o, const char *verb,
		 const struct moment *m, char *why, struct answer *ret)
{
	_cleanup_(auditing_clear) struct auditing x = { 0 };
	_cleanup_(json_decrefp) json_t *before = NULL;
	char note[SEINE_NOTE], id_text[16];
	uint32_t id;
	int r;

	r = request_order(request, why, &id, note);
	if (r < 0)
		return r;
	snprintf(id_text, sizeof(id_text), "c-%04" PRIx32, id);
	before = json_standing(a, id, m);
	r = standings_order(a, id, o, note, m, why);
	if (r < 0)
		return r;
	auditing_begin(&x, a, m, verb);
	auditing_object(&x, id_text);
	auditing_text(&x, "%s", note);
	auditing_before(&x, take_ptr(before));
	auditing_after(&x, json_standing(a, id, m));
	standings_record(a, &x.audit);
	ret->head = answer_new("standing");
	json_object_update_new(ret->head, json_standing(a, id, m));
	return 0;
}

int request_campaign_approve(struct agent *a, const json_t *request, const struct moment *m,
			     char *why, struct answer *ret)
{
	return order(a, request, ORDER_APPROVED, "campaign approve", m, why, ret);
}

int request_campaign_reject(struct agent *a, const json_t *request, const struct moment *m,
			    char *why, struct answer *ret)
{
	return order(a, request, ORDER_REJECTED, "campaign reject", m, why, ret);
}

int request_campaign_pause(struct agent *a, const json_t *request, const struct moment *m,
			   char *why, struct answer *ret)
{
	return order(a, request, ORDER_PAUSED, "campaign pause", m, why, ret);
}
