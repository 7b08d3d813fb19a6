/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Requests are read strictly: each row is one line from the socket, and what comes of it.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "user/base/cleanup.h"
#include "user/control/answer.h"
#include "user/control/request.h"

#define NOW 1000000

static json_t *parse(const char *line)
{
	char why[REQUEST_WHY] = "";
	json_t *request = NULL;

	if (request_parse(line, strlen(line), why, &request) < 0)
		print_message("%s: %s\n", line, why);
	return request;
}

static const char *const malformed[] = {
	"",
	"{",
	"[]",
	"\"status\"",
	"{}",
	"{\"verb\":1}",
	"{\"verb\":\"status\"} x",
	"{\"verb\":\"status\",\"verb\":\"off\"}",
	"{\"verb\":\"status\",}",
	"{'verb':'status'}",
	"{\"verb\":\"sta\\u0000tus\"}",
	"{\"verb\":\"\xff\"}",
	"{\"verb\":\"src\",\"limit\":123456789012345678901}",
};

static void malformed_lines_are_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(malformed); i++) {
		char why[REQUEST_WHY] = "";
		json_t *request = NULL;

		assert_int_equal(request_parse(malformed[i], strlen(malformed[i]), why, &request),
				 -EINVAL);
		assert_null(request);
		assert_true(why[0]);
	}
}

#define ADD(members) "{\"verb\":\"drop add\"" members "}"
#define IP ",\"prefix\":\"203.0.113.0/24\""

static const struct {
	const char *name, *line;
	enum seine_action action;
	uint32_t expires_sec;
} accepted[] = {
	{ "one hour by default", ADD(IP), SEINE_DROP, NOW + 3600 },
	{ "own time", ADD(IP ",\"ttl_sec\":90"), SEINE_DROP, NOW + 90 },
	{ "permanent", ADD(IP ",\"permanent\":true"), SEINE_DROP, 0 },
	{ "watch", ADD(IP ",\"action\":\"watch\""), SEINE_WATCH, NOW + 3600 },
	{ "canary", ADD(IP ",\"action\":\"canary\",\"share\":500"), SEINE_CANARY, NOW + 3600 },
	{ "held out", ADD(IP ",\"share\":9500"), SEINE_DROP, NOW + 3600 },
	{ "limit", ADD(IP ",\"action\":\"limit\",\"rate_pps\":10"), SEINE_LIMIT, NOW + 3600 },
	{ "hello", ADD(IP ",\"hello\":\"00c0ffee00c0ffee\""), SEINE_DROP, NOW + 3600 },
};

static const struct {
	const char *name, *line;
	const char *why; /* part of the sentence */
} refused[] = {
	{ "no prefix", ADD(""), "drop add:" },
	{ "unknown member", ADD(IP ",\"colour\":\"red\""), "colour" },
	{ "host bits", ADD(",\"prefix\":\"203.0.113.7/24\""), "203.0.113.7/24" },
	{ "no address", ADD(",\"prefix\":\"localhost\""), "localhost" },
	{ "everything", ADD(",\"prefix\":\"0.0.0.0/0\""), "too wide" },
	{ "half of it", ADD(",\"prefix\":\"128.0.0.0/1\""), "too wide" },
	{ "wide IPv6", ADD(",\"prefix\":\"2000::/3\""), "too wide" },
	{ "no time", ADD(IP ",\"ttl_sec\":0"), "time to live" },
	{ "negative time", ADD(IP ",\"ttl_sec\":-1"), "time to live" },
	{ "a decade", ADD(IP ",\"ttl_sec\":315360000"), "time to live" },
	{ "half a second", ADD(IP ",\"ttl_sec\":0.5"), "drop add:" },
	{ "both", ADD(IP ",\"ttl_sec\":90,\"permanent\":true"), "permanent" },
	{ "unknown action", ADD(IP ",\"action\":\"explode\""), "action" },
	{ "canary without share", ADD(IP ",\"action\":\"canary\""), "share" },
	{ "more than all", ADD(IP ",\"action\":\"canary\",\"share\":10001"), "share" },
	{ "share of a watch", ADD(IP ",\"action\":\"watch\",\"share\":500"), "share" },
	{ "limit without rate", ADD(IP ",\"action\":\"limit\""), "rate" },
	{ "rate without limit", ADD(IP ",\"rate_pps\":10"), "rate" },
	{ "no burst", ADD(IP ",\"action\":\"limit\",\"rate_pps\":1,\"burst\":0"), "burst" },
	{ "burst without limit", ADD(IP ",\"burst\":-1"), "burst" },
	{ "short hello", ADD(IP ",\"hello\":\"c0ffee\""), "hello" },
	{ "hello 0 would be no condition", ADD(IP ",\"hello\":\"0000000000000000\""), "hello" },
	{ "long note", ADD(IP ",\"note\":\"0123456789012345678901234567890123456789\""), "note" },
	{ "note with an escape", ADD(IP ",\"note\":\"\\u001b[2J\""), "note" },
};

static void drop_add_is_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(accepted); i++) {
		_cleanup_(json_decrefp) json_t *request = parse(accepted[i].line);
		char why[REQUEST_WHY] = "";
		bool dry_run = true;
		struct entry e;

		print_message("%s\n", accepted[i].name);
		assert_non_null(request);
		assert_int_equal(request_drop(request, NOW, why, &e, &dry_run), 0);
		assert_int_equal(e.row.action, accepted[i].action);
		assert_int_equal(e.row.expires_sec, accepted[i].expires_sec);
		assert_int_equal(e.row.origin, SEINE_OPERATOR);
		assert_int_equal(e.row.added_sec, NOW);
		assert_int_equal(e.row.slot, 0);
	}
}

static void drop_add_is_strict(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
		_cleanup_(json_decrefp) json_t *request = parse(refused[i].line);
		struct entry e = { .row.slot = 77 };
		char why[REQUEST_WHY] = "";
		bool dry_run = false;

		print_message("%s\n", refused[i].name);
		assert_non_null(request);
		assert_int_equal(request_drop(request, NOW, why, &e, &dry_run), -EINVAL);
		assert_non_null(strstr(why, refused[i].why));
		assert_int_equal(e.row.slot, 77); /* untouched */
	}
}

static void values_arrive(void **state)
{
	_cleanup_(json_decrefp) json_t *request =
		parse(ADD(IP ",\"action\":\"limit\",\"rate_pps\":10,\"burst\":5,"
			     "\"hello\":\"00c0ffee00c0ffee\",\"note\":\"b\xc3\xbcro\""));
	char why[REQUEST_WHY], text[PREFIX_TEXT];
	bool dry_run = true;
	struct entry e;

	(void)state;
	assert_int_equal(request_drop(request, NOW, why, &e, &dry_run), 0);
	assert_string_equal(prefix_format(&e.prefix, text), "203.0.113.0/24");
	assert_int_equal(e.row.rate_pps, 10);
	assert_int_equal(e.row.burst, 5);
	assert_true(e.row.hello_key == 0x00c0ffee00c0ffee);
	assert_string_equal(e.row.note, "b\xc3\xbcro");
	assert_int_equal(e.row.actor, SEINE_NO_ACTOR);
	assert_false(dry_run);
}

static void allow_holds_for_ever_by_default(void **state)
{
	_cleanup_(json_decrefp) json_t *ever =
		parse("{\"verb\":\"allow add\",\"prefix\":\"192.0.2.1\",\"note\":\"office\"}");
	_cleanup_(json_decrefp) json_t *hour =
		parse("{\"verb\":\"allow add\",\"prefix\":\"192.0.2.1\",\"ttl_sec\":60}");
	struct allow_entry a;
	char why[REQUEST_WHY];
	bool dry_run;

	(void)state;
	assert_int_equal(request_allow(ever, NOW, why, &a, &dry_run), 0);
	assert_int_equal(a.row.expires_sec, 0);
	assert_string_equal(a.row.note, "office");
	assert_int_equal(request_allow(hour, NOW, why, &a, &dry_run), 0);
	assert_int_equal(a.row.expires_sec, NOW + 60);
}

static void adding_never_shortens(void **state)
{
	static const struct {
		uint32_t held, asked, result;
	} cases[] = {
		{ 100, 200, 200 }, { 200, 100, 200 }, { 0, 100, 0 }, { 100, 0, 0 }, { 0, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		uint32_t expires = cases[i].asked;
		bool kept = request_keep_expiry(cases[i].held, &expires);

		assert_int_equal(expires, cases[i].result);
		assert_int_equal(kept, cases[i].result != cases[i].asked);
	}
}

static const char *const sorts[] = { "requests", "last", NULL };

static const struct {
	const char *line;
	int r;
	uint32_t limit;
	unsigned int sort;
} lists[] = {
	{ "{\"verb\":\"src\"}", 0, REQUEST_LIMIT, 0 },
	{ "{\"verb\":\"src\",\"limit\":5,\"sort\":\"last\"}", 0, 5, 1 },
	{ "{\"verb\":\"src\",\"within\":\"203.0.113.0/24\"}", 0, REQUEST_LIMIT, 0 },
	{ "{\"verb\":\"src\",\"limit\":0}", -EINVAL, 0, 0 },
	{ "{\"verb\":\"src\",\"limit\":100001}", -EINVAL, 0, 0 },
	{ "{\"verb\":\"src\",\"limit\":\"5\"}", -EINVAL, 0, 0 },
	{ "{\"verb\":\"src\",\"sort\":\"colour\"}", -EINVAL, 0, 0 },
	{ "{\"verb\":\"src\",\"within\":\"203.0.113.7/24\"}", -EINVAL, 0, 0 },
	{ "{\"verb\":\"src\",\"more\":1}", -EINVAL, 0, 0 },
};

static void rows_are_bounded(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
		_cleanup_(json_decrefp) json_t *request = parse(lists[i].line);
		struct request_rows rows;
		char why[REQUEST_WHY];

		print_message("%s\n", lists[i].line);
		assert_int_equal(request_rows(request, sorts, why, &rows), lists[i].r);
		if (lists[i].r < 0)
			continue;
		assert_int_equal(rows.limit, lists[i].limit);
		assert_int_equal(rows.sort, lists[i].sort);
	}
}

static void campaign_ids(void **state)
{
	uint32_t id = 0;

	(void)state;
	assert_int_equal(campaign_parse("c-1f3a", &id), 0);
	assert_int_equal(id, 0x1f3a);
	assert_int_equal(campaign_parse("1F3A", &id), 0);
	assert_int_equal(id, 0x1f3a);
	assert_int_equal(campaign_parse("", &id), -ENOENT);
	assert_int_equal(campaign_parse("c-", &id), -ENOENT);
	assert_int_equal(campaign_parse("c-0", &id), -ENOENT);
	assert_int_equal(campaign_parse("c-1g", &id), -ENOENT);
	assert_int_equal(campaign_parse("c-123456789", &id), -ENOENT);
}

static void names_of_unknown_numbers(void **state)
{
	(void)state;
	assert_string_equal(action_name(SEINE_CANARY), "canary");
	assert_string_equal(action_name((enum seine_action)99), "unknown");
	assert_string_equal(origin_name((enum seine_origin) - 1), "unknown");
}

/* An answer is one line of valid JSON whatever a map holds. */
static void hostile_text_is_made_printable(void **state)
{
	_cleanup_(json_decrefp) json_t *bad = answer_text("a\xff\x01z", 4);
	_cleanup_(json_decrefp) json_t *unterminated = answer_text("abcdef", 3);
	_cleanup_(json_decrefp) json_t *error = answer_error(ANSWER_REFUSED, "no");
	enum answer_code code;
	const char *text;

	(void)state;
	assert_string_equal(json_string_value(bad), "a??z");
	assert_string_equal(json_string_value(unterminated), "abc");
	assert_true(answer_is_error(error, &code, &text));
	assert_int_equal(code, ANSWER_REFUSED);
	assert_string_equal(text, "no");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(malformed_lines_are_refused),
		cmocka_unit_test(drop_add_is_read),
		cmocka_unit_test(drop_add_is_strict),
		cmocka_unit_test(values_arrive),
		cmocka_unit_test(allow_holds_for_ever_by_default),
		cmocka_unit_test(adding_never_shortens),
		cmocka_unit_test(rows_are_bounded),
		cmocka_unit_test(campaign_ids),
		cmocka_unit_test(names_of_unknown_numbers),
		cmocka_unit_test(hostile_text_is_made_printable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
