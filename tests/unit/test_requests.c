/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The agent's answers as far as they need no datapath: who may ask what, and campaigns. The rest
 * is asked of a living agent in tests/net/cli.bats.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <sqlite3.h>
#include "user/base/cleanup.h"
#include "user/control/answer.h"
#include "user/control/reply.h"
#include "user/control/request.h"
#include "user/dossier.h"
#include "user/requests.h"

#define ID 0x1f3a

static struct member members[] = {
	{ .lfdr = 0.01, .log10_e = 7.5, .requests = 26, .gap_ms = 61 },
	{ .lfdr = 0.02, .log10_e = 5.5, .requests = 25, .gap_ms = 55 },
	{ .lfdr = 0.03, .log10_e = 6.5, .requests = 24, .gap_ms = 58 },
};
static struct net_finding prefixes[] = { { .members = 3, .sources = 3, .purity = 0.93 } };
static struct campaign campaign = {
	.id = ID,
	.hello_key = 0xc0ffee,
	.gap = SEINE_GAP_DUAL,
	.sources = 4,
	.requests = 75,
	.q_value = 1e-9,
	.members = members,
	.n_members = ARRAY_LEN(members),
	.prefixes = prefixes,
	.n_prefixes = ARRAY_LEN(prefixes),
};
static struct campaigns campaigns = { .list = &campaign, .n = 1, .cohorts = 2, .sources = 900 };
static struct refusal refusals[] = {
	{ .campaign = ID, .reason = "overlaps allow list (office)" },
	{ .campaign = ID + 1, .reason = "another campaign's" },
};
static struct judgement judgement = { .refusals = refusals, .n_refusals = ARRAY_LEN(refusals) };
static struct mind mind = { .campaigns = &campaigns, .judgement = &judgement };
static struct agent agent = { .mind = &mind };

static int setup(void **state)
{
	char why[256];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(members); i++) {
		char address[] = "203.0.113.1";
		struct prefix p;

		address[strlen(address) - 1] += i;
		assert_int_equal(prefix_parse(address, why, sizeof(why), &p), 0);
		memcpy(members[i].source, p.ip, sizeof(p.ip));
	}
	for (size_t i = 0; i < FAMILY_MAX; i++)
		campaign.evidence[i] = (struct evidence){ .family = i, .p = 1 };
	campaign.evidence[FAMILY_PATH].holds = true;
	campaign.evidence[FAMILY_DENSITY].holds = true;
	return prefix_parse("203.0.113.0/30", why, sizeof(why), &prefixes[0].prefix);
}

static json_t *ask(enum control_right right, const char *line)
{
	_cleanup_(json_decrefp) json_t *request = NULL;
	_cleanup_(reply_clear) struct reply reply = { 0 };
	const struct control_peer peer = { .right = right };
	struct answer answer = { 0 };
	char why[REQUEST_WHY];
	const char *text;
	json_t *whole;
	size_t len;

	assert_int_equal(request_parse(line, strlen(line), why, &request), 0);
	requests_handle(&agent, &peer, request, &answer);
	assert_int_equal(reply_begin(&reply, &answer), 0);
	assert_int_equal(reply_peek(&reply, &text, &len), 0);
	whole = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(whole);
	return whole;
}

/* The code of an error, or -1 for an answer. */
static int code(enum control_right right, const char *line)
{
	_cleanup_(json_decrefp) json_t *answer = ask(right, line);
	enum answer_code c;
	const char *text;

	return answer_is_error(answer, &c, &text) ? (int)c : -1;
}

static void readers_may_not_change(void **state)
{
	static const char *const changes[] = {
		"{\"verb\":\"drop add\",\"prefix\":\"203.0.113.7\"}",
		"{\"verb\":\"drop del\",\"prefix\":\"203.0.113.7\"}",
		"{\"verb\":\"allow add\",\"prefix\":\"203.0.113.7\"}",
		"{\"verb\":\"allow del\",\"prefix\":\"203.0.113.7\"}",
		"{\"verb\":\"mode set\",\"mode\":\"enforce\"}",
		"{\"verb\":\"hello name\",\"id\":\"8f3a5d0c11e0b7a2\",\"name\":\"x\"}",
		"{\"verb\":\"campaign seed\",\"seeds\":[\"203.0.113.7\"]}",
		"{\"verb\":\"campaign unseed\"}",
		"{\"verb\":\"off\"}",
		"{\"verb\":\"on\"}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(changes); i++)
		assert_int_equal(code(CONTROL_READ, changes[i]), ANSWER_DENIED);
	assert_int_equal(code(CONTROL_READ, "{\"verb\":\"campaign list\"}"), -1);
	assert_int_equal(code(CONTROL_NONE, "{\"verb\":\"campaign list\"}"), ANSWER_DENIED);
}

static void unknown_verbs_are_errors(void **state)
{
	(void)state;
	assert_int_equal(code(CONTROL_CHANGE, "{\"verb\":\"explode\"}"), ANSWER_INVALID);
	assert_int_equal(code(CONTROL_CHANGE, "{\"verb\":\"version\",\"x\":1}"), ANSWER_INVALID);
	assert_int_equal(code(CONTROL_CHANGE, "{\"verb\":\"campaign show\",\"id\":\"c-1\"}"),
			 ANSWER_MISSING);
}

static const char *text(const json_t *object, const char *member)
{
	const char *value = json_string_value(json_object_get(object, member));

	assert_non_null(value);
	return value;
}

static void campaigns_are_listed(void **state)
{
	_cleanup_(json_decrefp) json_t *a = ask(CONTROL_READ, "{\"verb\":\"campaign list\"}");
	const json_t *c = json_array_get(json_object_get(a, "campaigns"), 0);

	(void)state;
	assert_string_equal(answer_kind(a), "campaigns");
	assert_string_equal(text(c, "id"), "c-1f3a");
	assert_string_equal(text(c, "gap"), "dual");
	assert_int_equal(json_integer_value(json_object_get(c, "members")), 3);
	assert_int_equal(json_array_size(json_object_get(c, "evidence")), 2);
}

static void members_are_shown_up_to_the_limit(void **state)
{
	_cleanup_(json_decrefp) json_t *a =
		ask(CONTROL_READ, "{\"verb\":\"campaign show\",\"id\":\"c-1f3a\",\"limit\":2}");
	const json_t *list = json_object_get(a, "members");

	(void)state;
	assert_int_equal(json_array_size(list), 2);
	assert_string_equal(text(json_array_get(list, 1), "source"), "203.0.113.2");
	list = json_object_get(a, "prefixes");
	assert_string_equal(text(json_array_get(list, 0), "prefix"), "203.0.113.0/30");
}

static void explanations_have_sentences_and_refusals(void **state)
{
	_cleanup_(json_decrefp) json_t *a =
		ask(CONTROL_READ, "{\"verb\":\"campaign explain\",\"id\":\"1f3a\"}");
	const json_t *list = json_object_get(a, "sentences"), *refused;

	(void)state;
	assert_true(json_array_size(list) >= 2);
	assert_string_equal(text(json_array_get(list, 0), "side"), "for");
	refused = json_object_get(a, "refusals");
	assert_int_equal(json_array_size(refused), 1);
	assert_string_equal(text(json_array_get(refused, 0), "reason"),
			    "overlaps allow list (office)");
	assert_int_equal(json_array_size(json_object_get(a, "evidence")), FAMILY_MAX);
}

/* ---- seeds ---- */

static int64_t number(const json_t *object, const char *member)
{
	const json_t *value = json_object_get(object, member);

	assert_true(json_is_integer(value));
	return json_integer_value(value);
}

static int with_observations(void **state)
{
	const struct observation_settings s = { .window_sec = 86400, .max = 16 };

	(void)state;
	agent.conf.source_bits = 64;
	return observations_new(&s, &mind.observations);
}

static int without_observations(void **state)
{
	(void)state;
	observations_free(take_ptr(mind.observations));
	mind_clear_seeds(&mind);
	return 0;
}

static void seeds_are_taken_all_or_none(void **state)
{
	_cleanup_(json_decrefp) json_t *a = NULL;

	(void)state;
	assert_int_equal(code(CONTROL_CHANGE, "{\"verb\":\"campaign seed\",\"seeds\":"
					      "[\"203.0.113.7\",\"203.0.113.0/24\"]}"),
			 ANSWER_INVALID);
	assert_int_equal(code(CONTROL_CHANGE, "{\"verb\":\"campaign seed\",\"seeds\":[]}"),
			 ANSWER_INVALID);
	assert_int_equal(code(CONTROL_CHANGE, "{\"verb\":\"campaign seed\",\"ttl_sec\":0,"
					      "\"seeds\":[\"203.0.113.7\"]}"),
			 ANSWER_INVALID);
	assert_int_equal(mind.seeds.n, 0);

	mind.rounds[WINDOW_DAY].sec = 7;
	a = ask(CONTROL_CHANGE,
		"{\"verb\":\"campaign seed\",\"seeds\":[\"203.0.113.2 ticket 4711\","
		"\"192.0.2.9\",\"2001:db8::1\",\"2001:db8::2\"]}");
	assert_int_equal(number(a, "given"), 3); /* the two IPv6 addresses are one source */
	assert_int_equal(number(a, "new"), 3);
	assert_int_equal(number(a, "seen"), 0);
	assert_int_equal(number(a, "members"), 1);
	assert_int_equal(number(a, "ttl_sec"), 45 * 86400);
	assert_true(json_is_false(json_object_get(a, "kept")));
	assert_int_equal(mind.seeds.n, 3);
	assert_int_equal(mind.rounds[WINDOW_DAY].sec, 0); /* a round is due */
}

/* As many as may be: those that are held can be given again, and no others. */
static void seeds_are_renewed_where_there_is_no_room(void **state)
{
	struct seeds all = { calloc(SEEDS_MAX, sizeof(struct seed)), SEEDS_MAX };
	_cleanup_(json_decrefp) json_t *a = NULL;

	(void)state;
	assert_non_null(all.list);
	for (uint32_t i = 0; i < SEEDS_MAX; i++) {
		uint8_t ip[16] = { [10] = 0xff, [11] = 0xff, 10, i >> 16, i >> 8 & 0xff, i & 0xff };

		memcpy(all.list[i].source, ip, sizeof(ip));
		all.list[i].expires_sec = INT64_MAX;
	}
	assert_int_equal(mind_add_seeds(&mind, &all, 1), 0);
	free(all.list);
	a = ask(CONTROL_CHANGE,
		"{\"verb\":\"campaign seed\",\"seeds\":[\"10.0.0.7\",\"10.1.0.7\"]}");
	assert_int_equal(number(a, "given"), 2);
	assert_int_equal(number(a, "new"), 0);
	assert_int_equal(mind.seeds.n, SEEDS_MAX);
	assert_int_equal(code(CONTROL_CHANGE, "{\"verb\":\"campaign seed\",\"seeds\":"
					      "[\"10.0.0.7\",\"192.0.2.1\"]}"),
			 ANSWER_INVALID);
}

static void seeds_are_listed_and_forgotten(void **state)
{
	_cleanup_(json_decrefp) json_t *a = NULL, *list = NULL, *cleared = NULL;
	const json_t *first;

	(void)state;
	a = ask(CONTROL_CHANGE, "{\"verb\":\"campaign seed\",\"ttl_sec\":60,"
				"\"seeds\":[\"203.0.113.2 ticket 4711\",\"203.0.113.9\"]}");
	list = ask(CONTROL_READ, "{\"verb\":\"campaign seeds\",\"limit\":1}");
	assert_int_equal(number(list, "total"), 2);
	assert_int_equal(json_array_size(json_object_get(list, "seeds")), 1);
	first = json_array_get(json_object_get(list, "seeds"), 0);
	assert_string_equal(text(first, "source"), "203.0.113.2");
	assert_string_equal(text(first, "note"), "ticket 4711");
	assert_string_equal(text(first, "campaign"), "c-1f3a");
	assert_true(json_is_false(json_object_get(first, "seen")));
	assert_in_range(number(first, "left_sec"), 58, 60);

	cleared = ask(CONTROL_CHANGE, "{\"verb\":\"campaign unseed\"}");
	assert_int_equal(number(cleared, "cleared"), 2);
	assert_int_equal(mind.seeds.n, 0);
}

/* ---- history ---- */

static int with_history(void **state)
{
	const struct history_settings s = {
		.path = ":memory:",
		.window_sec = 86400,
		.size_max = 1 << 24,
	};
	char why[HISTORY_WHY];

	(void)state;
	return history_open(&s, why, &agent.history);
}

static int without_history(void **state)
{
	(void)state;
	history_close(take_ptr(agent.history));
	free(take_ptr(agent.marks));
	agent.n_marks = 0;
	campaign.ended_sec = 0;
	campaign.n_members = ARRAY_LEN(members);
	mind.campaigns = &campaigns;
	judgement.automatic = NULL;
	return 0;
}

/* The events in history, newest first: "ended acted found". */
static const char *events(void)
{
	_cleanup_(json_decrefp) json_t *a =
		ask(CONTROL_READ, "{\"verb\":\"campaign history\",\"id\":\"c-1f3a\"}");
	static char list[128];
	json_t *d;
	size_t i;

	list[0] = '\0';
	json_array_foreach(json_object_get(a, "dossiers"), i, d) {
		strcat(list, i ? " " : "");
		strcat(list, text(d, "event"));
		assert_true(json_is_real(json_object_get(d, "rate")));
		assert_true(json_is_integer(json_object_get(d, "members")));
	}
	return list;
}

static void dossiers_at_decisions(void **state)
{
	struct entry e = { .prefix = prefixes[0].prefix,
			   .row = { .campaign = ID, .action = SEINE_CANARY } };
	struct entries wanted = { .list = &e, .n = 1 };
	struct moment m = { .now_sec = 1000, .unix_sec = 1700000000 };

	(void)state;
	agent.started_sec = 0;
	campaign.n_members = 1;
	dossiers_keep(&agent, &m);
	assert_string_equal(events(), "found");
	m.unix_sec++;
	dossiers_keep(&agent, &m);
	assert_string_equal(events(), "found"); /* nothing was decided */
	judgement.automatic = &wanted;
	e.row.action = SEINE_WATCH;
	dossiers_keep(&agent, &m);
	assert_string_equal(events(), "found"); /* nothing is done about it */
	e.row.action = SEINE_CANARY;
	dossiers_keep(&agent, &m);
	assert_string_equal(events(), "acted found");
	m.unix_sec++;
	campaign.n_members = 3;
	dossiers_keep(&agent, &m);
	assert_string_equal(events(), "grown acted found");
	m.unix_sec++;
	campaign.ended_sec = 900;
	dossiers_keep(&agent, &m);
	dossiers_keep(&agent, &m);
	assert_string_equal(events(), "ended grown acted found");
}

/* It is due until it is written. */
static void a_dossier_that_cannot_be_written_is_tried_again(void **state)
{
	const struct moment m = { .now_sec = 1000, .unix_sec = 1700000000 };

	(void)state;
	agent.started_sec = 0;
	sqlite3_hard_heap_limit64(1);
	dossiers_keep(&agent, &m);
	sqlite3_hard_heap_limit64(0);
	assert_string_equal(events(), "");
	dossiers_keep(&agent, &m);
	assert_string_equal(events(), "found");
}

/* Days later another campaign gets the name: nothing is told of the first as if it were this. */
static void a_name_that_is_used_again_begins_anew(void **state)
{
	struct moment m = { .now_sec = 1000, .unix_sec = 1700000000 };
	struct entry e = { .prefix = prefixes[0].prefix,
			   .row = { .campaign = ID, .action = SEINE_CANARY } };
	struct entries wanted = { .list = &e, .n = 1 };
	struct campaigns none = { 0 };

	(void)state;
	agent.started_sec = 0;
	judgement.automatic = &wanted;
	dossiers_keep(&agent, &m);
	assert_string_equal(events(), "acted found");
	mind.campaigns = &none;
	judgement.automatic = NULL;
	dossiers_keep(&agent, &m);
	assert_string_equal(events(), "acted found");
	mind.campaigns = &campaigns;
	m.unix_sec += 200000;
	dossiers_keep(&agent, &m);
	assert_string_equal(events(), "found");
	campaign.ended_sec = 900;
	dossiers_keep(&agent, &m);
	campaign.ended_sec = 0;
	dossiers_keep(&agent, &m);
	assert_string_equal(events(), "found ended found");
}

/* One that a former life has found is not found again. */
static void a_remembered_campaign_is_not_new(void **state)
{
	struct entry e = { .prefix = prefixes[0].prefix,
			   .row = { .campaign = ID, .action = SEINE_CANARY } };
	struct entries wanted = { .list = &e, .n = 1 };
	const struct moment m = { .now_sec = 1000, .unix_sec = 1700000000 };

	(void)state;
	agent.started_sec = 500;
	campaign.first_sec = 400;
	judgement.automatic = &wanted;
	dossiers_keep(&agent, &m);
	assert_string_equal(events(), "");
	campaign.first_sec = 0;
}

static void the_past_explains_itself(void **state)
{
	const struct moment m = { .now_sec = 1000, .unix_sec = 1700000000 };
	_cleanup_(json_decrefp) json_t *now = NULL, *past = NULL;

	(void)state;
	agent.started_sec = 0;
	dossiers_keep(&agent, &m);
	now = ask(CONTROL_READ, "{\"verb\":\"campaign explain\",\"id\":\"c-1f3a\"}");
	assert_null(json_object_get(now, "dossier"));
	mind.campaigns = NULL;
	past = ask(CONTROL_READ, "{\"verb\":\"campaign explain\",\"id\":\"c-1f3a\"}");
	assert_string_equal(text(json_object_get(past, "dossier"), "event"), "found");
	assert_int_equal(number(json_object_get(past, "dossier"), "time"), 1700000000);
	assert_int_equal(json_array_size(json_object_get(past, "evidence")), FAMILY_MAX);
	assert_int_equal(code(CONTROL_READ, "{\"verb\":\"campaign explain\",\"id\":\"c-1\"}"),
			 ANSWER_MISSING);
	assert_int_equal(code(CONTROL_READ, "{\"verb\":\"campaign history\",\"id\":\"c-1\"}"),
			 ANSWER_MISSING);
}

static void sources_know_their_campaign(void **state)
{
	struct prefix other = prefixes[0].prefix;

	(void)state;
	assert_ptr_equal(request_campaign_of(&agent, members[1].source), &campaign);
	assert_null(request_campaign_of(&agent, other.ip));
}

static void times_are_told_as_time_of_day(void **state)
{
	const struct moment m = { .now_sec = 1000, .unix_sec = 1700000000 };
	_cleanup_(json_decrefp) json_t *past = json_time(&m, 400), *future = json_time(&m, 1600),
				       *never = json_time(&m, 0);

	(void)state;
	assert_int_equal(json_integer_value(past), 1700000000 - 600);
	assert_int_equal(json_integer_value(future), 1700000000 + 600);
	assert_true(json_is_null(never));
}

#define JA4 "t13d1516h2_8daaf6152771_e5627efa2ab1"
#define RESUMED "t13d1517h2_8daaf6152771_b0da82dd1658"

static void see_hello(uint64_t key, const char *ja4, uint8_t source)
{
	struct hello_sight sight = { .hello_key = key, .source = { .ip = { source } } };

	memcpy(sight.ja4, ja4, strlen(ja4) + 1);
	memcpy(sight.ja4_stable, JA4, sizeof(JA4));
	assert_int_equal(dictionary_add(agent.dictionary, &sight, 100), 0);
}

/* Three sources of one client, one of another, and a name. */
static int setup_hellos(void **state)
{
	if (setup(state) < 0 || dictionary_new(4711, &agent.dictionary) < 0)
		return -1;
	see_hello(0xbeef, JA4, 1);
	for (uint8_t source = 1; source <= 3; source++)
		see_hello(0xc0ffee, RESUMED, source);
	return dictionary_name(agent.dictionary, 0xc0ffee, NULL, "python sdk");
}

static int drop_hellos(void **state)
{
	(void)state;
	dictionary_free(agent.dictionary);
	agent.dictionary = NULL;
	return 0;
}

static void hellos_are_listed(void **state)
{
	_cleanup_(json_decrefp) json_t *a = ask(CONTROL_READ, "{\"verb\":\"hello list\"}");
	_cleanup_(json_decrefp) json_t *c =
		ask(CONTROL_READ, "{\"verb\":\"campaign show\",\"id\":\"c-1f3a\"}");
	const json_t *first = json_array_get(json_object_get(a, "hellos"), 0);

	(void)state;
	assert_string_equal(answer_kind(a), "hellos");
	assert_int_equal(json_integer_value(json_object_get(a, "total")), 2);
	assert_string_equal(text(first, "hello"), "0000000000c0ffee");
	assert_string_equal(text(first, "hello_name"), "python sdk");
	assert_string_equal(text(first, "ja4"), RESUMED);
	assert_int_equal(json_integer_value(json_object_get(first, "sources")), 3);
	assert_string_equal(text(json_object_get(c, "campaign"), "hello_name"), "python sdk");
}

static void hellos_are_found_by_key_or_ja4(void **state)
{
	(void)state;
	assert_int_equal(
		code(CONTROL_READ, "{\"verb\":\"hello show\",\"id\":\"0000000000C0FFEE\"}"), -1);
	assert_int_equal(code(CONTROL_READ, "{\"verb\":\"hello show\",\"id\":\"" RESUMED "\"}"),
			 -1);
	assert_int_equal(code(CONTROL_READ, "{\"verb\":\"hello show\",\"id\":\"" JA4 "\"}"),
			 ANSWER_INVALID); /* both have it, one of them as its stable spelling */
	assert_int_equal(code(CONTROL_READ, "{\"verb\":\"hello show\",\"id\":\"c0ffee\"}"),
			 ANSWER_INVALID);
	assert_int_equal(code(CONTROL_READ,
			      "{\"verb\":\"hello show\",\"id\":\"00000000000000ff\"}"),
			 ANSWER_MISSING);
	assert_int_equal(code(CONTROL_CHANGE, "{\"verb\":\"hello name\",\"id\":"
					      "\"000000000000beef\",\"name\":\"\"}"),
			 ANSWER_MISSING);
	assert_int_equal(code(CONTROL_CHANGE, "{\"verb\":\"hello name\",\"id\":"
					      "\"000000000000beef\",\"name\":\" x\"}"),
			 ANSWER_INVALID);
}

#define WITH_OBSERVATIONS(f) \
	cmocka_unit_test_setup_teardown(f, with_observations, without_observations)
#define WITH_HISTORY(f) cmocka_unit_test_setup_teardown(f, with_history, without_history)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(hellos_are_listed, setup_hellos, drop_hellos),
		cmocka_unit_test_setup_teardown(hellos_are_found_by_key_or_ja4, setup_hellos,
						drop_hellos),
		cmocka_unit_test(readers_may_not_change),
		cmocka_unit_test(unknown_verbs_are_errors),
		cmocka_unit_test(campaigns_are_listed),
		cmocka_unit_test(members_are_shown_up_to_the_limit),
		cmocka_unit_test(explanations_have_sentences_and_refusals),
		WITH_OBSERVATIONS(seeds_are_taken_all_or_none),
		WITH_OBSERVATIONS(seeds_are_renewed_where_there_is_no_room),
		WITH_OBSERVATIONS(seeds_are_listed_and_forgotten),
		WITH_HISTORY(dossiers_at_decisions),
		WITH_HISTORY(a_dossier_that_cannot_be_written_is_tried_again),
		WITH_HISTORY(a_name_that_is_used_again_begins_anew),
		WITH_HISTORY(a_remembered_campaign_is_not_new),
		WITH_HISTORY(the_past_explains_itself),
		cmocka_unit_test(sources_know_their_campaign),
		cmocka_unit_test(times_are_told_as_time_of_day),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
