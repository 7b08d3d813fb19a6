/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Answers in words: entries, changes, trials, the ladder, the audit.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>
#include <jansson.h>
#include "user/base/cleanup.h"
#include "user/export/change.h"
#include "user/export/entries.h"
#include "user/export/event.h"
#include "user/export/standing.h"

static const struct text_style plain = { .width = TEXT_WIDTH, .utf8 = true };
static const struct text_style coloured = { .width = TEXT_WIDTH, .utf8 = true, .colour = true };

#define OFFICE \
	"{'prefix':'203.0.113.0/24','action':'drop','origin':'operator','actor':'root'," \
	"'left_sec':3600,'note':'ticket','hits':{'packets':12}}"
#define WATCH \
	"{'prefix':'203.0.112.0/20','action':'watch','origin':'external','actor':null," \
	"'left_sec':null}"
#define AUTO \
	"{'prefix':'2001:db8::/48','action':'canary','share':500,'origin':'auto'," \
	"'actor':'seined','campaign':'c-1f3a','left_sec':60}"

/* JSON with ' for ". */
static json_t *parse(const char *text)
{
	char *copy = strdup(text);
	json_t *value;

	for (char *c = copy; *c; c++)
		if (*c == '\'')
			*c = '"';
	value = json_loads(copy, 0, NULL);
	assert_non_null(value);
	free(copy);
	return value;
}

typedef void (*printer)(const json_t *answer, const struct text_style *s, FILE *to);

static char *printed(printer print, const char *text, const struct text_style *s)
{
	_cleanup_(json_decrefp) json_t *answer = parse(text);
	char *out = NULL;
	size_t size;
	FILE *to = open_memstream(&out, &size);

	print(answer, s, to);
	fclose(to);
	return out;
}

static void has(const char *text, const char *part)
{
	if (!strstr(text, part))
		print_message("without \"%s\":\n%s", part, text);
	assert_non_null(strstr(text, part));
}

static void has_not(const char *text, const char *part)
{
	if (strstr(text, part))
		print_message("with \"%s\":\n%s", part, text);
	assert_null(strstr(text, part));
}

static void actions(void **state)
{
	static const struct {
		const char *entry, *text;
	} rows[] = {
		{ "{'action':'drop'}", "drop" },
		{ "{'action':'drop','share':9500}", "drop 95 %" },
		{ "{'action':'canary','share':50}", "canary 0.5 %" },
		{ "{'action':'limit','rate_pps':4000000000}", "limit 4.0 G/s" },
		{ "{'action':'watch','hello':'00c0ffee00c0ffee'}", "watch +hello" },
		{ "{'action':'limit','rate_pps':4294967295,'hello':'x','hello_name':'python sdk'}",
		  "limit 4.3 G/s +python sd" },
		{ "{}", "-" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		_cleanup_(json_decrefp) json_t *e = parse(rows[i].entry);
		char buf[FORMAT_MAX];

		assert_string_equal(format_action(e, buf), rows[i].text);
	}
}

static void who_wanted_it(void **state)
{
	_cleanup_(json_decrefp) json_t *office = parse(OFFICE), *watch = parse(WATCH);
	_cleanup_(json_decrefp) json_t *own = parse(AUTO);
	char owner[FORMAT_OWNER], text[FORMAT_ENTRY];

	(void)state;
	assert_string_equal(format_owner(office, owner), "operator root");
	assert_string_equal(format_owner(watch, owner), "external");
	assert_string_equal(format_owner(own, owner), "auto c-1f3a");
	assert_string_equal(format_entry(office, text),
			    "203.0.113.0/24 (drop, operator root, left: 1 h)");
	assert_string_equal(format_entry(watch, text),
			    "203.0.112.0/20 (watch, external, left: for ever)");
}

static void an_entry_added_says_what_it_does(void **state)
{
	_cleanup_(freep) char *first =
		printed(print_added, "{'entry':" OFFICE ",'existed':false}", &plain);
	_cleanup_(freep) char *again =
		printed(print_added,
			"{'entry':" OFFICE ",'existed':true,'kept_expiry':true,'was':" WATCH
			",'overruled_by':" WATCH ",'mode':'observe'}",
			&plain);

	(void)state;
	assert_string_equal(first, "203.0.113.0/24: drop, left: 1 h\n");
	has(again, "203.0.113.0/24: listed already, now drop, left: 1 h (adding never shortens)\n");
	has(again, "was         203.0.112.0/20 (watch, external, left: for ever)\n");
	has(again, "overruled   by 203.0.112.0/20 (watch");
	has(again, "mode observe");
	has_not(again, "dry run");
}

#define IMPACT \
	"{'addresses_v4':1256,'networks_v6':0,'sources':12,'members':9,'honest_sources':3," \
	"'honest_requests':1200,'honest':['203.0.113.9','203.0.113.14']}"

static void a_dry_run_says_whom_it_would_hit(void **state)
{
	_cleanup_(freep) char *dry =
		printed(print_added,
			"{'entry':" OFFICE ",'existed':false,'dry_run':true,'impact':" IMPACT "}",
			&coloured);

	(void)state;
	has(dry, "203.0.113.0/24: would be listed: drop, left: 1 h\n");
	has(dry, "covers      1,256 addresses\n");
	has(dry, "seen        12 sources in the last day, 9 of them in campaigns\n");
	has(dry, "honest     \033[31m 3 sources with 1,200 requests a day: 203.0.113.9,");
	has(dry, "203.0.113.14 and\n            more\n");
	has(dry, "guards      none is in the way\n");
	has(dry, "dry run: nothing has changed\n");
}

static void impacts(void **state)
{
	static const struct {
		const char *impact, *part, *without;
	} rows[] = {
		{ "{'addresses_v4':1}", "covers      1 address\n", "honest" },
		{ "{'networks_v6':1}", "covers      1 IPv6 network (/64)\n", "address" },
		{ "{'addresses_v4':2,'networks_v6':65536}",
		  "2 IPv4 addresses and 65,536 IPv6 networks (/64)", "honest" },
		{ "{'addresses_v4':2}", "seen        no source from there", "honest" },
		{ "{'addresses_v4':2,'sources':1}",
		  "seen        1 source in the last day, none of "
		  "them in campaigns",
		  "sources" },
		{ "{'addresses_v4':2,'sources':2}", "honest      none of them\n", "red" },
		{ "{'sources':2,'honest_sources':1,'honest_requests':1,'honest':['192.0.2.1']}",
		  "honest      1 source with 1 request a day: 192.0.2.1\n", "more" },
		{ "null", "", "covers" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		_cleanup_(json_decrefp) json_t *impact = NULL;
		_cleanup_(freep) char *out = NULL;
		size_t size;
		FILE *to = open_memstream(&out, &size);

		impact = strcmp(rows[i].impact, "null") == 0 ? json_null() : parse(rows[i].impact);
		print_impact(impact, &plain, to);
		fclose(to);
		has(out, rows[i].part);
		has_not(out, rows[i].without);
	}
}

static void what_was_removed_and_what_is_left(void **state)
{
	_cleanup_(freep) char *out =
		printed(print_removed,
			"{'removed':" OFFICE ",'now':" AUTO ",'still_covered_by':'203.0.112.0/20'}",
			&plain);
	_cleanup_(freep) char *alone = printed(print_removed, "{'removed':" OFFICE "}", &plain);

	(void)state;
	has(out, "203.0.113.0/24: removed\n");
	has(out, "now         2001:db8::/48 (canary 5 %, auto c-1f3a, left: 1 m) comes into");
	has(out, "still covered by 203.0.112.0/20\n");
	has_not(alone, "now  ");
	has_not(alone, "covered");
}

static void what_the_allow_list_overrules(void **state)
{
	_cleanup_(freep) char *out =
		printed(print_allowed,
			"{'entry':{'prefix':'203.0.113.9','left_sec':null},'overrules':3,"
			"'overruled':[" OFFICE "," WATCH "],'dry_run':true}",
			&plain);
	_cleanup_(freep) char *none = printed(
		print_allowed, "{'entry':{'prefix':'203.0.113.9','left_sec':null}}", &plain);

	(void)state;
	has(out, "203.0.113.9: would be listed: always passes, left: for ever\n");
	has(out, "overrules   3 entries of the drop list\n            203.0.113.0/24 (drop");
	has(out, "            and 1 more\n");
	has(out, "dry run");
	assert_string_equal(none, "203.0.113.9: always passes, left: for ever\n");
}

#define DIFF \
	"[{'change':'added','entry':" OFFICE ",'was':null}," \
	"{'change':'removed','entry':" AUTO ",'was':null}," \
	"{'change':'changed','entry':" OFFICE ",'was':" WATCH "}]"

static void a_change_is_a_diff_and_a_sum(void **state)
{
	static const char answer[] =
		"{'added':3113,'removed':1,'changed':1,'kept':0,'entries':3113,'diff':" DIFF
		",'diff_all':3115,'skipped_all':2,'impact':" IMPACT
		",'dry_run':true,'trial':{'active':true,'left_sec':252,'actor':'root'}}";
	_cleanup_(freep) char *out = printed(print_change, answer, &plain);
	_cleanup_(freep) char *colour = printed(print_change, answer, &coloured);

	(void)state;
	has(out, "+  203.0.113.0/24  drop        operator root  60 m");
	has(out, "\n-  2001:db8::/48   canary 5 %  auto c-1f3a    60 s");
	has(out, "\n~  203.0.113.0/24  drop        operator root  60 m  watch, left f");
	has(out, "\nand 3,112 more\n");
	has(out, "change      3,113 added, 1 removed, 1 changed, 0 kept\n");
	has(out, "skipped     2 lines\n");
	has(out, "in force    3,113 entries\n");
	has(out, "covers      1,256 addresses\n");
	has(out, "dry run");
	has(out, "on trial    4 m 12 s left, begun by root; seine apply --confirm keeps it\n");
	has(colour, "\033[32m+  203");
	has(colour, "\033[31m-  2001");
	has(colour, "\033[33m~  203");
	has(colour, "\033[1;7m");
}

static void no_change_is_said_so(void **state)
{
	_cleanup_(freep) char *out =
		printed(print_change, "{'kept':1,'entries':1,'diff':[],'trial':null}", &plain);

	(void)state;
	assert_string_equal(out, "change      0 added, 0 removed, 0 changed, 1 kept\n"
				 "in force    1 entry\n");
}

static char *watched(const char *text)
{
	_cleanup_(json_decrefp) json_t *line = parse(text);
	char *out = NULL;
	size_t size;
	FILE *to = open_memstream(&out, &size);

	print_watched(line, "14:03:07", &plain, to);
	fclose(to);
	return out;
}

static void changes_as_they_happen(void **state)
{
	_cleanup_(freep) char *added = watched("{'change':'added','entry':" OFFICE "}");
	_cleanup_(freep) char *changed =
		watched("{'change':'changed','entry':" OFFICE ",'was':" WATCH "}");
	_cleanup_(freep) char *expired = watched("{'change':'expired','entry':" WATCH "}");
	_cleanup_(freep) char *bulk = watched("{'change':'bulk','entry':null,'count':3112}");

	(void)state;
	assert_string_equal(added, "14:03:07  added    203.0.113.0/24      drop        "
				   "operator root  60 m   ticket\n");
	has(changed, "watch -> drop");
	assert_string_equal(expired,
			    "14:03:07  expired  203.0.112.0/20      watch       external\n");
	assert_string_equal(bulk, "14:03:07  bulk     3,112 entries at once\n");
}

static void a_trial(void **state)
{
	_cleanup_(freep) char *none = printed(print_trial, "{'active':false}", &plain);
	_cleanup_(freep) char *one =
		printed(print_trial,
			"{'active':true,'left_sec':252,'actor':'root','began':1795000000,"
			"'until':1795000300,'changes':['mode observe -> enforce','3 entries']}",
			&plain);

	(void)state;
	assert_string_equal(none, "Nothing is on trial.\n");
	has(one, "on trial    4 m 12 s left, begun by root\n");
	has(one, "changes     mode observe -> enforce\n            3 entries\n");
	has(one, "seine apply --confirm keeps");
}

#define NOW 1795000000ull

static char *standing_printed(const char *text)
{
	_cleanup_(json_decrefp) json_t *standing = parse(text);
	char *out = NULL;
	size_t size;
	FILE *to = open_memstream(&out, &size);

	print_standing(standing, NOW, &plain, to);
	fclose(to);
	return out;
}

static void the_ladder(void **state)
{
	static const struct {
		const char *standing, *part, *without;
	} rows[] = {
		{ "{'rung':'observe','order':'none','rises':1795003600,'mode':'enforce'}",
		  "climbs      to canary in 1 h, on ", "order" },
		{ "{'rung':'canary','order':'none','rises':1795000000,'mode':'enforce'}",
		  "climbs      to enforce with the next round\n", "stays" },
		{ "{'rung':'canary','order':'none','rises':null,'reason':'traffic fell'}",
		  "stays       traffic fell\n", "climbs" },
		{ "{'rung':'observe','rises':1795003600,'reason':'traffic fell'}",
		  "because     traffic fell\n", "stays" },
		{ "{'rung':'enforce','order':'none'}", "climbs      no further", "order" },
		{ "{'rung':'enforce','order':'approved','actor':'root','note':'seen'}",
		  "order       approved by root: seen\n", "none" },
		{ "{'rung':'enforce','order':'paused','actor':'root','note':''}",
		  "its entries only watch, until it is approved", "climbs" },
		{ "{'rung':'canary','order':'rejected','actor':'root'}", "it gets no entries",
		  "climbs" },
		{ "{'rung':'canary','mode':'observe'}",
		  "nothing is dropped, as the mode is observe", "small share" },
		{ "{'rung':'observe','urged':true,'mode':'observe','reason':'the mode is "
		  "observe'}",
		  "climbs      to canary as soon as the mode is enforce", "stays" },
		{ "{'rung':'observe','order':'approved','mode':'observe','reason':'the mode is "
		  "observe'}",
		  "stays       the mode is observe\n", "climbs" },
		{ "{'rung':'canary','rollbacks':2}", "rollbacks   2 times back to observe",
		  "held" },
		{ "{'rung':'canary','held_out':1250,'held_out_alike':1190}",
		  "held out    1,250 sources pass, to measure by; 1,190 still behave", "none of" },
		{ "{'rung':'canary','held_out':1}", "1 source pass, to measure by; none of them",
		  "rollbacks" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		_cleanup_(freep) char *out = standing_printed(rows[i].standing);

		has(out, rows[i].part);
		has_not(out, rows[i].without);
	}
}

static void the_ladder_in_a_word(void **state)
{
	_cleanup_(json_decrefp) json_t *rung = parse("{'rung':'canary','order':'approved'}");
	_cleanup_(json_decrefp) json_t *order = parse("{'rung':'canary','order':'paused'}");

	(void)state;
	assert_string_equal(standing_word(rung), "canary");
	assert_string_equal(standing_word(order), "paused");
	assert_string_equal(standing_word(NULL), "-");
}

static void all_that_covers_an_address(void **state)
{
	_cleanup_(json_decrefp) json_t *decides = parse(OFFICE);
	_cleanup_(json_decrefp) json_t *list =
		parse("[{'entry':" OFFICE ",'in_force':true,'overruled_by':null},"
		      "{'entry':" AUTO ",'in_force':false,'overruled_by':" OFFICE "},"
		      "{'entry':" WATCH ",'in_force':true,'overruled_by':null},"
		      "{'entry':" WATCH ",'in_force':false,'overruled_by':null}]");
	_cleanup_(freep) char *out = NULL;
	struct text_style wide = { .width = 200, .utf8 = true };
	size_t size;
	FILE *to = open_memstream(&out, &size);

	(void)state;
	print_covering(list, decides, false, &wide, to);
	fclose(to);
	has(out, "yes, and decides\n");
	has(out, "no: 203.0.113.0/24 (operator root) is stronger\n");
	has(out, "yes, but a longer one decides\n");
	has(out, "no: a stronger one says the same\n");
}

static void nothing_decides_about_who_is_allowed(void **state)
{
	_cleanup_(json_decrefp) json_t *decides = parse(OFFICE);
	_cleanup_(json_decrefp) json_t *list = parse("[{'entry':" OFFICE ",'in_force':true}]");
	_cleanup_(freep) char *out = NULL;
	struct text_style wide = { .width = 200, .utf8 = true };
	size_t size;
	FILE *to = open_memstream(&out, &size);

	(void)state;
	print_covering(list, decides, true, &wide, to);
	fclose(to);
	has(out, "yes, but the allow list wins\n");
	has_not(out, "decides");
}

static void what_is_removed_and_comes_back(void **state)
{
	_cleanup_(freep) char *judge = printed(print_removed, "{'removed':" AUTO "}", &plain);
	_cleanup_(freep) char *person = printed(print_removed, "{'removed':" OFFICE "}", &plain);
	_cleanup_(freep) char *feed = printed(
		print_removed,
		"{'removed':{'prefix':'192.0.2.0/24','action':'drop','origin':'feed','actor':'x'}}",
		&plain);

	(void)state;
	has(judge, "comes back  with the next round");
	has(judge, "seine allow add 2001:db8::/48 lets it pass\n");
	has(judge, "seine campaign reject c-1f3a ends all of its campaign\n");
	has(feed, "comes back  with the next import of x");
	has_not(person, "comes back");
}

static void the_first_copy_of_a_feed(void **state)
{
	_cleanup_(freep) char *first =
		printed(print_change, "{'added':1,'entries':1,'watches_first':true}", &plain);
	_cleanup_(freep) char *later =
		printed(print_change, "{'added':1,'entries':1,'watches_first':false}", &plain);

	(void)state;
	has(first, "watches     it is the first copy of this feed");
	has_not(later, "watches");
}

static void what_only_removes_hits_nobody(void **state)
{
	_cleanup_(freep) char *out = printed(
		print_change, "{'removed':1,'impact':{'addresses_v4':0,'networks_v6':0}}", &plain);

	(void)state;
	has(out, "1 removed");
	has_not(out, "covers");
	has_not(out, "seen");
}

static void conflicts_up_to_a_limit(void **state)
{
	_cleanup_(json_decrefp) json_t *list = parse("[{'loser':" AUTO ",'winner':" OFFICE
						     "},{'loser':" WATCH ",'winner':" OFFICE "}]");
	_cleanup_(freep) char *out = NULL;
	size_t size;
	FILE *to = open_memstream(&out, &size);

	(void)state;
	print_conflicts(list, 1, &plain, to);
	fclose(to);
	has(out, "2001:db8::/48  canary 5 %, auto c-1f3a  203.0.113.0/24  drop, operator root\n");
	has_not(out, "203.0.112.0/20");
}

#define EVENT \
	"{'id':1,'at':1795000000,'actor':'root','verb':'drop add','object':'203.0.113.0/24'," \
	"'result':'refused','text':'overlaps the allow list'}"

static void the_audit(void **state)
{
	_cleanup_(freep) char *table = printed(print_events, "[" EVENT "]", &plain);
	_cleanup_(freep) char *colour = printed(print_events, "[" EVENT "]", &coloured);
	_cleanup_(freep) char *line = printed(print_event, EVENT, &plain);
	_cleanup_(freep) char *bare = printed(
		print_event, "{'verb':'off','object':null,'result':'done','text':null}", &plain);

	(void)state;
	has(table, "TIME");
	has(table, "root  drop add 203.0.113.0/24  refused: overlaps ");
	has(colour, "\033[33m20");
	has(line, "root      drop add 203.0.113.0/24   refused: overlaps");
	has(bare, "off                       done\n");
}

static void events_about_something(void **state)
{
	_cleanup_(json_decrefp) json_t *event = parse(EVENT);
	_cleanup_(json_decrefp) json_t *order = parse("{'object':'c-1f3a'}");
	struct prefix inside = { 0 }, around = { 0 }, other = { 0 };
	char why[128];

	(void)state;
	assert_int_equal(prefix_parse("203.0.113.7", why, sizeof(why), &inside), 0);
	assert_int_equal(prefix_parse("203.0.0.0/16", why, sizeof(why), &around), 0);
	assert_int_equal(prefix_parse("192.0.2.0/24", why, sizeof(why), &other), 0);
	assert_true(event_within(event, &inside));
	assert_true(event_within(event, &around));
	assert_false(event_within(event, &other));
	assert_false(event_within(order, &around));
	assert_true(event_about(order, "c-1f3a"));
	assert_false(event_about(event, "c-1f3a"));
}

static void nothing_is_wider_than_the_screen(void **state)
{
	static const char wide[] =
		"{'prefix':'2001:db8:1234:5678:1234:5678:1234:5678','action':'limit',"
		"'rate_pps':4294967295,'hello':'x','hello_name':'a name that is long',"
		"'origin':'operator','actor':'a-name-that-is-rather-long','left_sec':null,"
		"'hits':{'packets':99999,'last':1},"
		"'note':'a note as long as they can be: 39 bytes'}";
	char text[4096];
	const struct {
		printer print;
		const char *form;
	} rows[] = {
		{ print_drops, "[%s]" },
		{ print_allows, "[%s]" },
		{ print_added, "{'entry':%s,'existed':true,'kept_expiry':true}" },
		{ print_removed, "{'removed':%s}" },
		{ print_change, "{'diff':[{'change':'added','entry':%s}]}" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		_cleanup_(freep) char *out = NULL;
		struct text_style ascii = { .width = TEXT_WIDTH };

		snprintf(text, sizeof(text), rows[i].form, wide);
		out = printed(rows[i].print, text, &ascii);
		for (char *line = strtok(out, "\n"); line; line = strtok(NULL, "\n"))
			assert_true(strlen(line) <= TEXT_WIDTH);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(actions),
		cmocka_unit_test(who_wanted_it),
		cmocka_unit_test(an_entry_added_says_what_it_does),
		cmocka_unit_test(a_dry_run_says_whom_it_would_hit),
		cmocka_unit_test(impacts),
		cmocka_unit_test(what_was_removed_and_what_is_left),
		cmocka_unit_test(what_the_allow_list_overrules),
		cmocka_unit_test(a_change_is_a_diff_and_a_sum),
		cmocka_unit_test(no_change_is_said_so),
		cmocka_unit_test(changes_as_they_happen),
		cmocka_unit_test(a_trial),
		cmocka_unit_test(the_ladder),
		cmocka_unit_test(the_ladder_in_a_word),
		cmocka_unit_test(all_that_covers_an_address),
		cmocka_unit_test(nothing_decides_about_who_is_allowed),
		cmocka_unit_test(what_is_removed_and_comes_back),
		cmocka_unit_test(the_first_copy_of_a_feed),
		cmocka_unit_test(what_only_removes_hits_nobody),
		cmocka_unit_test(conflicts_up_to_a_limit),
		cmocka_unit_test(the_audit),
		cmocka_unit_test(events_about_something),
		cmocka_unit_test(nothing_is_wider_than_the_screen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
