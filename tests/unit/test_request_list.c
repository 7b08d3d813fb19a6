/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Requests about whole lists, orders for campaigns, and trials: each row is one line from the
 * socket, and what comes of it.
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
#include "user/control/request.h"

#define NOW 1000
#define UNIX 1700001000
#define OPERATOR (1U << SEINE_OPERATOR)
#define FEED (1U << SEINE_FEED)

static char why[REQUEST_WHY];

static json_t *parse(const char *line)
{
	json_t *request = NULL;

	assert_int_equal(request_parse(line, strlen(line), why, &request), 0);
	print_message("%s\n", line);
	return request;
}

/* A refusal says why. */
static void check(int r, int wanted, const char *part)
{
	if (r != wanted)
		print_message("%s\n", why);
	assert_int_equal(r, wanted);
	if (wanted < 0)
		assert_non_null(strstr(why, part));
}

static void flushing_means_operators_unless_told(void **state)
{
	static const struct {
		const char *line;
		int r;
		unsigned int origins;
		const char *feed, *why;
		bool dry_run;
	} rows[] = {
		{ "{\"verb\":\"drop flush\"}", 0, OPERATOR, NULL, NULL, false },
		{ "{\"verb\":\"f\",\"dry_run\":true}", 0, OPERATOR, NULL, NULL, true },
		{ "{\"verb\":\"f\",\"origin\":\"auto\"}", 0, 1U << SEINE_AUTO, NULL, NULL, false },
		{ "{\"verb\":\"f\",\"origin\":\"all\"}", 0, 0x1f, NULL, NULL, false },
		{ "{\"verb\":\"f\",\"origin\":\"feed\"}", 0, FEED, NULL, NULL, false },
		{ "{\"verb\":\"f\",\"origin\":\"feed\",\"feed\":\"drop\"}", 0, FEED, "drop", NULL,
		  false },
		{ "{\"verb\":\"f\",\"feed\":\"drop\"}", 0, FEED, "drop", NULL, false },
		{ "{\"verb\":\"f\",\"origin\":\"operator\",\"feed\":\"drop\"}", -EINVAL, 0, NULL,
		  "with origin feed", false },
		{ "{\"verb\":\"f\",\"origin\":\"all\",\"feed\":\"drop\"}", -EINVAL, 0, NULL,
		  "with origin feed", false },
		{ "{\"verb\":\"f\",\"origin\":\"others\"}", -EINVAL, 0, NULL, "origin:", false },
		{ "{\"verb\":\"f\",\"feed\":\"\"}", -EINVAL, 0, NULL, "feed:", false },
		{ "{\"verb\":\"f\",\"feed\":\"../x\"}", -EINVAL, 0, NULL, "feed:", false },
		{ "{\"verb\":\"f\",\"more\":1}", -EINVAL, 0, NULL, "more", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		_cleanup_(json_decrefp) json_t *request = parse(rows[i].line);
		struct request_flush f = { .origins = 77 };

		check(request_flush(request, why, &f), rows[i].r, rows[i].why);
		assert_int_equal(f.origins, rows[i].r < 0 ? 77 : rows[i].origins);
		if (rows[i].feed)
			assert_string_equal(f.feed, rows[i].feed);
		else
			assert_null(f.feed);
		assert_int_equal(f.dry_run, rows[i].dry_run);
	}
}

#define REPLACE(members) \
	"{\"verb\":\"drop replace\",\"format\":\"auto\",\"name\":\"list.txt\"" members "}"
#define IMPORT(members) \
	"{\"verb\":\"drop " \
	"import\",\"feed\":\"drop\",\"format\":\"spamhaus\",\"name\":\"-\"" members "}"

static void a_list_replaces_under_terms(void **state)
{
	_cleanup_(json_decrefp) json_t *plain = parse(REPLACE(""));
	_cleanup_(json_decrefp) json_t *all =
		parse(REPLACE(",\"permanent\":true,\"action\":\"limit\",\"rate_pps\":5,\"burst\":6,"
			      "\"hello\":\"00c0ffee00c0ffee\",\"note\":\"n\",\"dry_run\":true"));
	struct request_list l;

	(void)state;
	check(request_replace(plain, NOW, UNIX, why, &l), 0, NULL);
	assert_int_equal(l.format, LIST_AUTO);
	assert_string_equal(l.name, "list.txt");
	assert_null(l.feed);
	assert_false(l.dry_run || l.force || l.terms.must_end || l.terms.skip_wide);
	assert_int_equal(l.terms.row.action, SEINE_DROP);
	assert_int_equal(l.terms.row.origin, SEINE_OPERATOR);
	assert_int_equal(l.terms.row.actor, SEINE_NO_ACTOR);
	assert_int_equal(l.terms.row.added_sec, NOW);
	assert_int_equal(l.terms.row.expires_sec, NOW + REQUEST_TTL_SEC);
	assert_int_equal(l.terms.now_sec, NOW);
	assert_int_equal(l.terms.epoch, UNIX - NOW);

	check(request_replace(all, NOW, UNIX, why, &l), 0, NULL);
	assert_true(l.dry_run);
	assert_int_equal(l.terms.row.action, SEINE_LIMIT);
	assert_int_equal(l.terms.row.rate_pps, 5);
	assert_int_equal(l.terms.row.burst, 6);
	assert_int_equal(l.terms.row.expires_sec, 0);
	assert_true(l.terms.row.hello_key == 0x00c0ffee00c0ffee);
	assert_string_equal(l.terms.row.note, "n");
}

static void a_feed_watches_and_must_end(void **state)
{
	_cleanup_(json_decrefp) json_t *plain = parse(IMPORT(""));
	_cleanup_(json_decrefp) json_t *all =
		parse(IMPORT(",\"ttl_sec\":60,\"action\":\"canary\",\"share\":500,\"force\":true"));
	struct request_list l;

	(void)state;
	check(request_import(plain, NOW, UNIX, why, &l), 0, NULL);
	assert_int_equal(l.format, LIST_SPAMHAUS);
	assert_string_equal(l.feed, "drop");
	assert_true(l.terms.must_end && l.terms.skip_wide);
	assert_false(l.force || l.dry_run);
	assert_int_equal(l.terms.row.origin, SEINE_FEED);
	assert_int_equal(l.terms.row.action, SEINE_WATCH);
	assert_int_equal(l.terms.row.expires_sec, 0);

	check(request_import(all, NOW, UNIX, why, &l), 0, NULL);
	assert_true(l.force);
	assert_int_equal(l.terms.row.action, SEINE_CANARY);
	assert_int_equal(l.terms.row.share, 500);
	assert_int_equal(l.terms.row.expires_sec, NOW + 60);
}

static void lists_are_strict(void **state)
{
	static const struct {
		const char *line, *why;
		bool import;
	} rows[] = {
		{ "{\"verb\":\"drop replace\",\"format\":\"auto\"}", "name", false },
		{ "{\"verb\":\"drop replace\",\"name\":\"x\"}", "format", false },
		{ "{\"verb\":\"r\",\"format\":\"xml\",\"name\":\"x\"}", "format: auto, plain",
		  false },
		{ "{\"verb\":\"r\",\"format\":\"csv\",\"name\":\"\"}", "name", false },
		{ "{\"verb\":\"r\",\"format\":\"csv\",\"name\":\"a\\u001b\"}", "name", false },
		{ REPLACE(",\"ttl_sec\":0"), "time to live", false },
		{ REPLACE(",\"ttl_sec\":60,\"permanent\":true"), "give one", false },
		{ REPLACE(",\"action\":\"limit\""), "rate", false },
		{ REPLACE(",\"hello\":\"\""), "hello", false },
		{ REPLACE(",\"prefix\":\"192.0.2.1\""), "prefix", false },
		{ REPLACE(",\"force\":true"), "force", false },
		{ REPLACE(",\"feed\":\"x\""), "feed", false },
		{ IMPORT(",\"permanent\":true"), "permanent", true },
		{ IMPORT(",\"action\":\"limit\""), "rate", true },
		{ IMPORT(",\"action\":\"canary\""), "share", true },
		{ IMPORT(",\"ttl_sec\":99999999"), "time to live", true },
		{ "{\"verb\":\"i\",\"format\":\"csv\",\"name\":\"x\"}", "feed", true },
		{ "{\"verb\":\"i\",\"feed\":\"A b\",\"format\":\"csv\",\"name\":\"x\"}",
		  "feed:", true },
		{ "{\"verb\":\"i\",\"feed\":\"-x\",\"format\":\"csv\",\"name\":\"x\"}",
		  "feed:", true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		_cleanup_(json_decrefp) json_t *request = parse(rows[i].line);
		struct request_list l = { .format = 77 };
		int r = rows[i].import ? request_import(request, NOW, UNIX, why, &l)
				       : request_replace(request, NOW, UNIX, why, &l);

		check(r, -EINVAL, rows[i].why);
		assert_int_equal(l.format, 77);
	}
}

static void an_export_has_a_format(void **state)
{
	_cleanup_(json_decrefp) json_t *all = parse("{\"verb\":\"e\",\"format\":\"ndjson\"}");
	_cleanup_(json_decrefp) json_t *some =
		parse("{\"verb\":\"e\",\"format\":\"csv\",\"origin\":\"operator\"}");
	_cleanup_(json_decrefp) json_t *automatic = parse("{\"verb\":\"e\",\"format\":\"auto\"}");
	_cleanup_(json_decrefp) json_t *nobody =
		parse("{\"verb\":\"e\",\"format\":\"csv\",\"origin\":\"me\"}");
	enum list_format format;
	unsigned int origins;

	(void)state;
	check(request_export(all, why, &format, &origins), 0, NULL);
	assert_int_equal(format, LIST_NDJSON);
	assert_int_equal(origins, REQUEST_ALL_ORIGINS);
	check(request_export(some, why, &format, &origins), 0, NULL);
	assert_int_equal(format, LIST_CSV);
	assert_int_equal(origins, OPERATOR);
	check(request_export(automatic, why, &format, &origins), -EINVAL, "format: plain");
	check(request_export(nobody, why, &format, &origins), -EINVAL, "origin");
}

static void orders_name_a_campaign(void **state)
{
	_cleanup_(json_decrefp) json_t *bare = parse("{\"verb\":\"o\",\"id\":\"c-1f\"}");
	_cleanup_(json_decrefp) json_t *noted =
		parse("{\"verb\":\"o\",\"id\":\"1f\",\"note\":\"ticket 1\"}");
	_cleanup_(json_decrefp) json_t *none = parse("{\"verb\":\"o\"}");
	_cleanup_(json_decrefp) json_t *wrong = parse("{\"verb\":\"o\",\"id\":\"x\"}");
	_cleanup_(json_decrefp) json_t *escape =
		parse("{\"verb\":\"o\",\"id\":\"1f\",\"note\":\"\\u001b\"}");
	char note[SEINE_NOTE] = "kept";
	uint32_t id = 0;

	(void)state;
	check(request_order(none, why, &id, note), -EINVAL, "id");
	check(request_order(wrong, why, &id, note), -EINVAL, "not the id of a campaign");
	check(request_order(escape, why, &id, note), -EINVAL, "note");
	assert_int_equal(id, 0);
	assert_string_equal(note, "kept");
	check(request_order(noted, why, &id, note), 0, NULL);
	assert_int_equal(id, 0x1f);
	assert_string_equal(note, "ticket 1");
	check(request_order(bare, why, &id, note), 0, NULL);
	assert_string_equal(note, "");
}

static void a_trial_ends(void **state)
{
	static const struct {
		const char *line;
		int r;
	} rows[] = {
		{ "{\"verb\":\"apply begin\",\"within_sec\":300}", 0 },
		{ "{\"verb\":\"apply begin\",\"within_sec\":10}", 0 },
		{ "{\"verb\":\"apply begin\",\"within_sec\":86400}", 0 },
		{ "{\"verb\":\"apply begin\",\"within_sec\":9}", -EINVAL },
		{ "{\"verb\":\"apply begin\",\"within_sec\":86401}", -EINVAL },
		{ "{\"verb\":\"apply begin\",\"within_sec\":4294967596}", -EINVAL },
		{ "{\"verb\":\"apply begin\",\"within_sec\":\"5m\"}", -EINVAL },
		{ "{\"verb\":\"apply begin\"}", -EINVAL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		_cleanup_(json_decrefp) json_t *request = parse(rows[i].line);
		uint32_t within = 77;

		check(request_trial(request, why, &within), rows[i].r, "");
		assert_int_equal(within == 77, rows[i].r < 0);
	}
}

static void within_is_everywhere_by_default(void **state)
{
	_cleanup_(json_decrefp) json_t *all = parse("{\"verb\":\"drop watch\"}");
	_cleanup_(json_decrefp) json_t *some =
		parse("{\"verb\":\"drop watch\",\"within\":\"192.0.2.0/24\"}");
	_cleanup_(json_decrefp) json_t *wrong =
		parse("{\"verb\":\"drop watch\",\"within\":\"192.0.2.1/24\"}");
	struct prefix p = { .len = 77 };
	char text[PREFIX_TEXT];

	(void)state;
	check(request_within(wrong, why, &p), -EINVAL, "host bits");
	assert_int_equal(p.len, 77);
	check(request_within(all, why, &p), 0, NULL);
	assert_int_equal(p.len, 0);
	check(request_within(some, why, &p), 0, NULL);
	assert_string_equal(prefix_format(&p, text), "192.0.2.0/24");
}

static void adding_may_be_a_dry_run(void **state)
{
	_cleanup_(json_decrefp) json_t *drop =
		parse("{\"verb\":\"drop add\",\"prefix\":\"192.0.2.1\",\"dry_run\":true}");
	_cleanup_(json_decrefp) json_t *allow =
		parse("{\"verb\":\"allow add\",\"prefix\":\"192.0.2.1\",\"dry_run\":true}");
	struct allow_entry a;
	bool dry_run = false;
	struct entry e;

	(void)state;
	check(request_drop(drop, NOW, why, &e, &dry_run), 0, NULL);
	assert_true(dry_run);
	dry_run = false;
	check(request_allow(allow, NOW, why, &a, &dry_run), 0, NULL);
	assert_true(dry_run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(flushing_means_operators_unless_told),
		cmocka_unit_test(a_list_replaces_under_terms),
		cmocka_unit_test(a_feed_watches_and_must_end),
		cmocka_unit_test(lists_are_strict),
		cmocka_unit_test(an_export_has_a_format),
		cmocka_unit_test(orders_name_a_campaign),
		cmocka_unit_test(a_trial_ends),
		cmocka_unit_test(within_is_everywhere_by_default),
		cmocka_unit_test(adding_may_be_a_dry_run),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
