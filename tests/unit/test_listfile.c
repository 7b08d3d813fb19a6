/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lists of prefixes as files: what each format says, what is refused, and that what was written
 * reads back. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "user/base/cleanup.h"
#include "user/base/line.h"
#include "user/control/listfile.h"
#include "user/control/request.h"

#define NOW 1000
#define EPOCH 1700000000

static const struct wish_terms terms = {
	.row = { .origin = SEINE_OPERATOR,
		 .actor = SEINE_NO_ACTOR,
		 .action = SEINE_DROP,
		 .added_sec = NOW,
		 .expires_sec = NOW + 3600 },
	.now_sec = NOW,
	.epoch = EPOCH,
};

/* From an allocation of the exact size: a read past the file is a read past the heap. */
static int read_bytes(const char *bytes, size_t len, enum list_format format,
		      struct listfile_errors *errors, struct listfile *ret)
{
	_cleanup_(freep) char *exact = malloc(len ? len : 1);

	assert_non_null(exact);
	memcpy(exact, bytes, len);
	return listfile_read(exact, len, format, &terms, 1, errors, ret);
}

static struct listfile read_good(const char *text, enum list_format format)
{
	struct listfile_errors errors = { 0 };
	struct listfile l = { 0 };
	int r = read_bytes(text, strlen(text), format, &errors, &l);

	for (size_t i = 0; i < listfile_kept(&errors); i++)
		print_message("%u: %s\n", errors.list[i].line, errors.list[i].text);
	assert_int_equal(r, 0);
	return l;
}

#define ENTRY(i, text) assert_string_equal(prefix_format(&l.list[i].prefix, buf), text)

static void plain_lines(void **state)
{
	_cleanup_(listfile_clear) struct listfile l =
		read_good("\xef\xbb\xbf# a list\r\n\r\n203.0.113.0/24 # from \"logs\"\r\n"
			  "  198.51.100.7\t; SBL1\n2001:db8::/48#t\xc3\xbcr\n   \n;\n192.0.2.1",
			  LIST_AUTO);
	char buf[PREFIX_TEXT];

	(void)state;
	assert_int_equal(l.n, 4);
	ENTRY(0, "203.0.113.0/24");
	assert_string_equal(l.list[0].row.note, "from \"logs\"");
	assert_int_equal(l.lines[0], 3);
	ENTRY(1, "198.51.100.7");
	assert_string_equal(l.list[1].row.note, "SBL1");
	ENTRY(2, "2001:db8::/48");
	assert_string_equal(l.list[2].row.note, "t\xc3\xbcr");
	ENTRY(3, "192.0.2.1");
	assert_int_equal(l.lines[3], 8);
	assert_int_equal(l.list[3].row.expires_sec, NOW + 3600);
	assert_int_equal(l.list[3].row.action, SEINE_DROP);
}

static void long_comments_are_cut_between_characters(void **state)
{
	_cleanup_(listfile_clear) struct listfile l = read_good(
		"192.0.2.1 # 01234567890123456789012345678901234567\xc3\xbc\n", LIST_AUTO);

	(void)state;
	assert_string_equal(l.list[0].row.note, "01234567890123456789012345678901234567");
}

static void csv_lines(void **state)
{
	_cleanup_(listfile_clear) struct listfile l =
		read_good("note,prefix,action,share,rate_pps,burst,hello,ttl,expires,origin\r\n"
			  "\"a, \"\"b\"\"\",203.0.113.0/24,canary,5%,,,,,,feed\r\n"
			  ",192.0.2.0/24,limit,,10,20,00c0ffee00c0ffee,90m,,\r\n"
			  ",192.0.3.0/24,,0.95,,,,60,,\n"
			  ",192.0.4.0/24,,,,,,,never,\n"
			  "\n"
			  "x,192.0.5.0/24,watch,,,,,,1700002000,",
			  LIST_AUTO);

	(void)state;
	assert_int_equal(l.n, 5);
	assert_string_equal(l.list[0].row.note, "a, \"b\"");
	assert_int_equal(l.list[0].row.action, SEINE_CANARY);
	assert_int_equal(l.list[0].row.share, 500);
	assert_int_equal(l.list[0].row.origin, SEINE_OPERATOR);
	assert_int_equal(l.list[1].row.rate_pps, 10);
	assert_int_equal(l.list[1].row.burst, 20);
	assert_true(l.list[1].row.hello_key == 0x00c0ffee00c0ffee);
	assert_int_equal(l.list[1].row.expires_sec, NOW + 5400);
	assert_int_equal(l.list[2].row.share, 9500);
	assert_int_equal(l.list[2].row.expires_sec, NOW + 60);
	assert_int_equal(l.list[3].row.expires_sec, 0);
	assert_int_equal(l.list[4].row.expires_sec, 2000);
	assert_int_equal(l.lines[4], 7);
}

static void ndjson_lines(void **state)
{
	_cleanup_(listfile_clear) struct listfile l =
		read_good("{\"prefix\":\"203.0.113.0/"
			  "24\",\"action\":\"drop\",\"origin\":\"auto\",\"share\":0,"
			  "\"rate_pps\":0,\"burst\":0,\"hello\":null,\"hello_name\":null,"
			  "\"campaign\":\"c-1\","
			  "\"added\":1,\"expires\":null,\"left_sec\":null,\"hits\":{\"packets\":1},"
			  "\"actor\":\"root\",\"note\":\" b\\u00fcro \"}\n"
			  "{\"prefix\":\"192.0.2.1\"}\n"
			  "\n"
			  "{\"prefix\":\"192.0.2.2\",\"ttl_sec\":7}\n"
			  "{\"prefix\":\"192.0.2.3\",\"expires\":1699999999}\n"
			  "{\"prefix\":\"192.0.2.4\",\"permanent\":true}\n",
			  LIST_AUTO);

	(void)state;
	assert_int_equal(l.n, 4);
	assert_int_equal(l.expired, 1);
	assert_int_equal(l.list[0].row.expires_sec, 0);
	assert_string_equal(l.list[0].row.note, "b\xc3\xbcro");
	assert_int_equal(l.list[1].row.expires_sec, NOW + 3600);
	assert_int_equal(l.list[2].row.expires_sec, NOW + 7);
	assert_int_equal(l.list[3].row.expires_sec, 0);
}

static void both_forms_of_spamhaus(void **state)
{
	_cleanup_(listfile_clear) struct listfile l =
		read_good("{\"cidr\":\"192.0.2.0/24\",\"sblid\":\"SBL1\",\"rir\":\"apnic\"}\n"
			  "{\"cidr\":\"198.51.100.0/24\",\"sblid\":\"SBL2\",\"rir\":\"ripencc\"}\n"
			  "{\"type\":\"metadata\",\"timestamp\":1,\"size\":2,\"records\":2,"
			  "\"terms\":\"x\"}\n",
			  LIST_AUTO);
	_cleanup_(listfile_clear) struct listfile old = read_good(
		"; DROP List\n192.0.2.0/24 ; SBL1\n198.51.100.0/24 ; SBL2\n", LIST_SPAMHAUS);

	(void)state;
	assert_int_equal(l.n, 2);
	assert_int_equal(old.n, 2);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(prefix_compare(&l.list[i].prefix, &old.list[i].prefix), 0);
		assert_string_equal(l.list[i].row.note, old.list[i].row.note);
	}
}

static void the_same_twice_is_one(void **state)
{
	_cleanup_(listfile_clear) struct listfile l = read_good(
		"192.0.2.0/24 # a\n192.0.2.0/25\n192.0.2.0\n192.0.2.0/24 # b\n192.0.2.0/25\n"
		"192.0.2.0/32\n192.0.2.0/23\n",
		LIST_AUTO);

	(void)state;
	assert_int_equal(l.n, 4);
	assert_int_equal(l.duplicates, 3);
	assert_string_equal(l.list[0].row.note, "a");
}

#define CIDR "{\"cidr\":\"192.0.2.0/24\"}\n"
#define METADATA(n) "{\"type\":\"metadata\",\"records\":" #n "}\n"
#define X100 \
	"1111111111222222222233333333334444444444555555555566666666667777777777888888888899999" \
	"99999"

static const struct {
	const char *name, *text;
	uint32_t line;
	const char *why; /* part of the sentence */
} bad[] = {
	{ "host bits", "192.0.2.0/24\n203.0.113.7/24\n", 2, "did you mean 203.0.113.0/24?" },
	{ "leading zero", "192.0.2.01\n", 1, "not an IPv4" },
	{ "short", "192.0.2\n", 1, "not an IPv4" },
	{ "range", "192.0.2.1-192.0.2.9\n", 1, "not an IPv4" },
	{ "too wide", "0.0.0.0/0\n", 1, "too wide" },
	{ "too wide too", "2000::/15\n", 1, "too wide" },
	{ "two of them", "192.0.2.1 192.0.2.2\n", 1, "one address or prefix a line" },
	{ "escape", "192.0.2.1 # \x1b[2J\n", 1, "control character (byte 13)" },
	{ "a carriage return inside", "192.0.2.1\r192.0.2.2\n", 1, "control character" },
	{ "no UTF-8", "192.0.2.1 # t\xfcr\n", 1, "UTF-8" },
	{ "no column", "prefix,colour\n192.0.2.1,red\n", 1, "colour" },
	{ "column twice", "prefix,note,prefix\n", 1, "twice" },
	{ "more fields", "prefix,note\n192.0.2.1,a,b\n", 2, "3 fields" },
	{ "fewer fields", "prefix,note\n192.0.2.1\n", 2, "1 fields" },
	{ "open quote", "prefix,note\n192.0.2.1,\"a\nb\"\n", 2, "not closed" },
	{ "behind a quote", "prefix,note\n192.0.2.1,\"a\"b\n", 2, "behind a closing quote" },
	{ "quote inside", "prefix,note\n192.0.2.1,a\"b\n", 2, "quote inside" },
	{ "no prefix", "prefix,note\n,a\n", 2, "prefix: empty" },
	{ "canary of what", "prefix,action\n192.0.2.1,canary\n", 2, "share" },
	{ "share of a watch", "prefix,action,share\n192.0.2.1,watch,5%\n", 2, "share" },
	{ "all and more", "prefix,share\n192.0.2.1,9500\n", 2, "9500" },
	{ "next to nothing", "prefix,share\n192.0.2.1,0.00001\n", 2, "less" },
	{ "unknown action", "prefix,action\n192.0.2.1,block\n", 2, "action" },
	{ "ttl", "prefix,ttl\n192.0.2.1,soon\n", 2, "ttl" },
	{ "milliseconds", "prefix,ttl\n192.0.2.1,20ms\n", 2, "ttl" },
	{ "ttl and expires", "prefix,ttl,expires\n192.0.2.1,60,never\n", 2, "one of the two" },
	{ "far future", "prefix,expires\n192.0.2.1,1800000000\n", 2, "366 d" },
	{ "long note", "prefix,note\n192.0.2.1," X100 "\n", 2, "longer than 39" },
	{ "no JSON", "{\"prefix\":\"192.0.2.1\"\n", 1, "column" },
	{ "unknown member", "{\"prefix\":\"192.0.2.1\",\"colour\":1}\n", 1, "colour" },
	{ "a member twice", "{\"prefix\":\"192.0.2.1\",\"prefix\":\"192.0.2.2\"}\n", 1,
	  "duplicate" },
	{ "two objects", "{\"prefix\":\"192.0.2.1\"}{}\n", 1, "column" },
	{ "a text for a number", "{\"prefix\":\"192.0.2.1\",\"share\":\"5%\"}\n", 1,
	  "whole number" },
	{ "a half second", "{\"prefix\":\"192.0.2.1\",\"expires\":1.5}\n", 1, "expires" },
	{ "missing prefix", "{\"note\":\"\"}\n", 1, "prefix: missing" },
	{ "a number for a text", "{\"prefix\":1}\n", 1, "not a text" },
	{ "a number for a truth", "{\"permanent\":1}\n", 1, "neither" },
	{ "an empty prefix", "{\"prefix\":\"\"}\n", 1, "prefix: empty" },
	{ "two ends", "{\"prefix\":\"192.0.2.1\",\"ttl_sec\":1,\"expires\":null}\n", 1, "one of" },
	{ "two ends more", "{\"prefix\":\"192.0.2.1\",\"ttl_sec\":1,\"expires\":1700002000}\n", 1,
	  "enough" },
	{ "something else of it",
	  "prefix,action\n192.0.2.1,drop\n192.0.2.2,drop\n192.0.2.1,watch\n", 4,
	  "192.0.2.1: line 2 says something else" },
	{ "one lost", CIDR METADATA(2), 2, "2 records are promised, 1 are here" },
	{ "one too many", CIDR "{\"cidr\":\"192.0.3.0/24\"}\n" METADATA(1), 3, "1 records" },
	{ "cut short", CIDR, 0, "cut short" },
	{ "put together", CIDR METADATA(1) CIDR METADATA(1), 3, "behind the line" },
	{ "mixed", CIDR "192.0.2.1\n" METADATA(1), 2, "column" },
	{ "no cidr", CIDR "{\"net\":\"192.0.2.0/24\"}\n" METADATA(2), 2, "cidr" },
};

static void bad_lines_are_named(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct listfile_errors errors = { 0 };
		struct listfile l = { .n = 77 };

		print_message("%s\n", bad[i].name);
		assert_int_equal(read_bytes(bad[i].text, strlen(bad[i].text), LIST_AUTO, &errors,
					    &l),
				 -EINVAL);
		assert_int_equal(l.n, 77);
		print_message("  %u: %s\n", errors.list[0].line, errors.list[0].text);
		assert_int_equal(errors.list[0].line, bad[i].line);
		assert_non_null(strstr(errors.list[0].text, bad[i].why));
	}
}

static void nul_is_no_end(void **state)
{
	struct listfile_errors errors = { 0 };
	struct listfile l;

	(void)state;
	assert_int_equal(read_bytes("192.0.2.1\n192.0.2.2\0\n", 21, LIST_AUTO, &errors, &l),
			 -EINVAL);
	assert_int_equal(errors.all, 1);
	assert_int_equal(errors.list[0].line, 2);
}

static void all_bad_lines_are_counted(void **state)
{
	struct listfile_errors errors = { 0 };
	_cleanup_(freep) char *text = malloc(70000);
	_cleanup_(json_decrefp) json_t *lines = NULL;
	const json_t *last;
	struct listfile l;
	size_t len = 0;

	(void)state;
	assert_non_null(text);
	for (int i = 0; i < 5000; i++)
		len += sprintf(text + len, "bad %d\n", i);
	memset(text + len, 'x', LINE_BYTES + 1);
	len += LINE_BYTES + 1;
	assert_int_equal(read_bytes(text, len, LIST_PLAIN, &errors, &l), -EINVAL);
	assert_int_equal(errors.all, 5001);
	assert_int_equal(listfile_kept(&errors), LISTFILE_ERRORS);
	assert_int_equal(errors.list[LISTFILE_ERRORS - 1].line, LISTFILE_ERRORS);
	lines = listfile_lines(&errors);
	assert_int_equal(json_array_size(lines), LISTFILE_ERRORS);
	last = json_array_get(lines, LISTFILE_ERRORS - 1);
	assert_int_equal(json_integer_value(json_object_get(last, "line")), LISTFILE_ERRORS);
	assert_non_null(strstr(json_string_value(json_object_get(last, "text")), "bad 19"));
}

static void over_long_lines_are_refused(void **state)
{
	char text[LINE_BYTES + 32];
	struct listfile_errors errors = { 0 };
	struct listfile l;

	(void)state;
	memset(text, ' ', sizeof(text));
	memcpy(text + LINE_BYTES + 1, "\n192.0.2.1", 10);
	assert_int_equal(read_bytes(text, LINE_BYTES + 11, LIST_AUTO, &errors, &l), -EINVAL);
	assert_int_equal(errors.all, 1);
	assert_int_equal(errors.list[0].line, 1);
}

static void what_must_end_does(void **state)
{
	struct wish_terms feed = terms;
	struct listfile_errors errors = { 0 };
	struct listfile l;
	const char text[] = "prefix,expires\n192.0.2.1,1700002000\n192.0.2.2,never\n192.0.2.3,\n";

	(void)state;
	feed.must_end = true;
	feed.row.expires_sec = 0;
	assert_int_equal(listfile_read(text, strlen(text), LIST_AUTO, &feed, 1, &errors, &l),
			 -EINVAL);
	assert_int_equal(errors.all, 2);
	assert_int_equal(errors.list[0].line, 3);
	assert_int_equal(errors.list[1].line, 4);
}

static void what_is_too_wide_is_skipped_in_a_feed(void **state)
{
	struct wish_terms feed = terms;
	struct listfile_errors errors = { 0 };
	_cleanup_(listfile_clear) struct listfile l = { 0 };
	const char text[] = "192.0.2.0/24\n224.0.0.0/3\n::/0\n";

	(void)state;
	feed.skip_wide = true;
	assert_int_equal(listfile_read(text, strlen(text), LIST_AUTO, &feed, 1, &errors, &l), 0);
	assert_int_equal(l.n, 1);
	assert_int_equal(l.skipped.all, 2);
	assert_int_equal(l.skipped.list[0].line, 2);
	assert_non_null(strstr(l.skipped.list[0].text, "224.0.0.0/3: too wide"));
}

/* What is not said comes with the action it belongs to, and with no other. */
static void terms_fill_in(void **state)
{
	struct wish_terms limited = terms;
	struct listfile_errors errors = { 0 };
	_cleanup_(listfile_clear) struct listfile l = { 0 };
	const char text[] = "prefix,action,rate_pps\n192.0.2.1,,\n192.0.2.2,drop,\n192.0.2.3,,7\n";

	(void)state;
	limited.row.action = SEINE_LIMIT;
	limited.row.rate_pps = 10;
	limited.row.burst = 5;
	memcpy(limited.row.note, "mine", 5);
	assert_int_equal(listfile_read(text, strlen(text), LIST_AUTO, &limited, 1, &errors, &l), 0);
	assert_int_equal(l.list[0].row.rate_pps, 10);
	assert_int_equal(l.list[0].row.burst, 5);
	assert_string_equal(l.list[0].row.note, "mine");
	assert_int_equal(l.list[1].row.action, SEINE_DROP);
	assert_int_equal(l.list[1].row.rate_pps, 0);
	assert_int_equal(l.list[1].row.burst, 0);
	assert_int_equal(l.list[2].row.rate_pps, 7);
}

static void empty_files(void **state)
{
	static const char *const texts[] = { "", "\xef\xbb\xbf", "# nothing\n", "\n\n" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		_cleanup_(listfile_clear) struct listfile l = read_good(texts[i], LIST_AUTO);

		assert_int_equal(l.n, 0);
	}
}

static const char *a_name(const struct seine_entry *row, void *arg)
{
	(void)row;
	return arg;
}

static void write_to(enum list_format format, const struct listfile *l, char **ret, size_t *ret_len)
{
	struct listfile_writing w = {
		.epoch = EPOCH,
		.unix_sec = EPOCH + NOW,
		.bytes_max = LISTFILE_WRITTEN,
		.actor = a_name,
		.arg = (void *)"drop, \"the\" list",
	};
	FILE *f = open_memstream(ret, ret_len);
	size_t bytes = 0;

	assert_non_null(f);
	assert_int_equal(listfile_write(f, format, l->list, l->n, &w, &bytes), 0);
	fclose(f);
	assert_int_equal(bytes, *ret_len);
}

static const char many[] = "prefix,action,share,rate_pps,burst,hello,expires,note\n"
			   "203.0.113.0/24,canary,12.34%,,,,1700002000,\"a, \"\"b\"\" #c\"\n"
			   "192.0.2.1,limit,,10,20,00c0ffee00c0ffee,never,#1\n"
			   "2001:db8::/48,drop,95%,,,,1700003000,t\xc3\xbcr\n"
			   "198.51.100.0/25,watch,,,,,never,=1\n";

static void what_is_written_reads_back(void **state)
{
	static const enum list_format formats[] = { LIST_PLAIN, LIST_CSV, LIST_NDJSON, LIST_FIREHOL,
						    LIST_SPAMHAUS };
	_cleanup_(listfile_clear) struct listfile l = read_good(many, LIST_CSV);

	(void)state;
	for (size_t f = 0; f < ARRAY_LEN(formats); f++) {
		bool all = formats[f] == LIST_CSV || formats[f] == LIST_NDJSON;
		_cleanup_(listfile_clear) struct listfile back = { 0 };
		_cleanup_(freep) char *text = NULL;
		size_t len;

		write_to(formats[f], &l, &text, &len);
		print_message("%s", text);
		back = read_good(text, LIST_AUTO);
		assert_int_equal(back.n, l.n);
		for (size_t i = 0; i < l.n; i++) {
			const struct entry *a = &l.list[i], *b = &back.list[i];

			assert_int_equal(prefix_compare(&a->prefix, &b->prefix), 0);
			if (formats[f] != LIST_FIREHOL)
				assert_string_equal(a->row.note, b->row.note);
			if (all)
				assert_memory_equal(&a->row, &b->row, sizeof(a->row));
		}
	}
}

static void writing_is_bounded(void **state)
{
	_cleanup_(listfile_clear) struct listfile l = read_good(many, LIST_CSV);
	const struct listfile_writing w = { .bytes_max = 100 };
	char room[4096];
	FILE *f = fmemopen(room, sizeof(room), "w");
	size_t bytes = 77;

	(void)state;
	assert_non_null(f);
	assert_int_equal(listfile_write(f, LIST_NDJSON, l.list, l.n, &w, &bytes), -EFBIG);
	assert_int_equal(listfile_write(f, LIST_AUTO, l.list, l.n, &w, &bytes), -EINVAL);
	assert_int_equal(bytes, 77);
	fclose(f);
}

/* Rows that somebody else wrote into the map may hold anything. */
static void hostile_notes_are_written_harmless(void **state)
{
	struct listfile l = read_good("192.0.2.1\n", LIST_AUTO);
	_cleanup_(listfile_clear) struct listfile back = { 0 };
	_cleanup_(freep) char *text = NULL;
	size_t len;

	(void)state;
	memset(l.list[0].row.note, 'x', SEINE_NOTE);
	memcpy(l.list[0].row.note, "a\n0.0.0.0/8\xff", 12);
	write_to(LIST_PLAIN, &l, &text, &len);
	back = read_good(text, LIST_PLAIN);
	assert_int_equal(back.n, 1);
	listfile_clear(&l);
}

static void names_of_formats(void **state)
{
	enum list_format format;

	(void)state;
	assert_int_equal(list_format_parse("spamhaus", &format), 0);
	assert_int_equal(format, LIST_SPAMHAUS);
	assert_string_equal(list_format_name(LIST_FIREHOL), "firehol");
	assert_int_equal(list_format_parse("xml", &format), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_lines),
		cmocka_unit_test(long_comments_are_cut_between_characters),
		cmocka_unit_test(csv_lines),
		cmocka_unit_test(ndjson_lines),
		cmocka_unit_test(both_forms_of_spamhaus),
		cmocka_unit_test(the_same_twice_is_one),
		cmocka_unit_test(bad_lines_are_named),
		cmocka_unit_test(nul_is_no_end),
		cmocka_unit_test(all_bad_lines_are_counted),
		cmocka_unit_test(over_long_lines_are_refused),
		cmocka_unit_test(what_must_end_does),
		cmocka_unit_test(what_is_too_wide_is_skipped_in_a_feed),
		cmocka_unit_test(terms_fill_in),
		cmocka_unit_test(empty_files),
		cmocka_unit_test(what_is_written_reads_back),
		cmocka_unit_test(writing_is_bounded),
		cmocka_unit_test(hostile_notes_are_written_harmless),
		cmocka_unit_test(names_of_formats),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
