/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `hello`: what ClientHellos are seen, and what operators call them; `connections`, as they end.
 */
#include <errno.h>
#include <math.h>
#include <string.h>
#include "user/base/cleanup.h"
#include "user/control/answer.h"
#include "user/control/rank.h"
#include "user/control/request.h"
#include "user/hellonames.h"
#include "user/requests.h"

#define MORE(a, b) (((a) < (b)) - ((a) > (b)))

/* Words that are equal otherwise stand in the order of their keys. */
static int by_key(const struct hello_word *a, const struct hello_word *b)
{
	return a->key != b->key ? MORE(b->key, a->key)
				: strcmp(a->ja4.list[0].ja4, b->ja4.list[0].ja4);
}

static int by_sources(const void *a_, const void *b_)
{
	const struct hello_word *a = a_, *b = b_;
	double of_a = hello_sources(a), of_b = hello_sources(b);

	return of_a < of_b || of_a > of_b ? MORE(of_a, of_b) : by_key(a, b);
}

static int by_count(const void *a_, const void *b_)
{
	const struct hello_word *a = a_, *b = b_;

	return a->count != b->count ? MORE(a->count, b->count) : by_key(a, b);
}

static int by_last(const void *a_, const void *b_)
{
	const struct hello_word *a = a_, *b = b_;

	return a->last_sec != b->last_sec ? MORE(a->last_sec, b->last_sec) : by_key(a, b);
}

static int by_first(const void *a_, const void *b_)
{
	const struct hello_word *a = a_, *b = b_;

	return a->first_sec != b->first_sec ? MORE(a->first_sec, b->first_sec) : by_key(a, b);
}

/* Those without a name come last. */
static int by_name(const void *a_, const void *b_)
{
	const struct hello_word *a = a_, *b = b_;
	int order = strcmp(a->name, b->name);

	if (!a->name[0] != !b->name[0])
		return a->name[0] ? -1 : 1;
	return order ? order : by_key(a, b);
}

static const char *const hello_sorts[] = { "sources", "count", "last", "first", "name", NULL };
static const rank_compare hello_orders[] = { by_sources, by_count, by_last, by_first, by_name };
_Static_assert(ARRAY_LEN(hello_sorts) == ARRAY_LEN(hello_orders) + 1, "one order a name");

/* The form seen most. */
static json_t *main_form(const struct hello_forms *f)
{
	const struct hello_form *most = f->list;

	for (size_t i = 1; i < f->n; i++)
		if (f->list[i].count > most->count)
			most = &f->list[i];
	return f->n ? answer_text(most->ja4, JA4_TEXT) : json_null();
}

static json_t *json_word(struct agent *a, const void *row, const struct moment *m)
{
	const struct hello_word *w = row;

	(void)a;
	return json_pack("{s:o, s:o, s:o, s:o, s:i, s:I, s:I, s:o, s:o}", "hello",
			 answer_key(w->key), "hello_name",
			 w->name[0] ? answer_text(w->name, DICTIONARY_NAME) : json_null(), "ja4",
			 main_form(&w->ja4), "ja4_stable", main_form(&w->ja4_stable), "ja4s",
			 (int)w->ja4.n, "count", (json_int_t)w->count, "sources",
			 (json_int_t)lround(hello_sources(w)), "first", json_time(m, w->first_sec),
			 "last", json_time(m, w->last_sec));
}

int request_hello_list(struct agent *a, const json_t *request, const struct moment *m, char *why,
		       struct answer *ret)
{
	_cleanup_(freep) const void **rows = NULL;
	size_t n = dictionary_count(a->dictionary);
	struct request_rows wanted;
	struct rank rank;
	int r;

	r = request_rows(request, hello_sorts, why, &wanted);
	if (r < 0)
		return r;
	rows = calloc(wanted.limit, sizeof(*rows));
	if (!rows)
		return -ENOMEM;

	rank_init(&rank, hello_orders[wanted.sort], rows, wanted.limit);
	for (size_t i = 0; i < n; i++)
		rank_add(&rank, dictionary_word(a->dictionary, i));
	rank_sort(&rank);

	ret->head = answer_new("hellos");
	json_object_set_new(ret->head, "total", json_integer(n));
	json_object_set_new(ret->head, "forgotten",
			    json_integer(dictionary_forgotten(a->dictionary)));
	return request_put_rows(a, m, "hellos", rows, rank.n, sizeof(struct hello_word), json_word,
				ret);
}

/* What the operator means: a key, or a JA4 that only one word has. */
static int find(const struct agent *a, const char *id, char *why, uint64_t *ret_key,
		char ret_ja4[JA4_TEXT], const struct hello_word **ret)
{
	const struct hello_word *w = NULL;
	size_t n;

	if (hello_id_parse(id, ret_key, ret_ja4) < 0)
		return request_fail(-EINVAL, why,
				    "%.40s: neither the key of a ClientHello (16 hexadecimal "
				    "digits) nor a JA4",
				    id);
	if (*ret_key) {
		*ret = dictionary_find(a->dictionary, *ret_key);
		return 0;
	}
	n = dictionary_find_ja4(a->dictionary, ret_ja4, &w);
	if (n > 1)
		return request_fail(-EINVAL, why, "%s: %zu ClientHellos have it: give a key", id,
				    n);
	if (n == 0 && ret_ja4[0] != 'q')
		return request_fail(-ENOENT, why, "%s: not seen yet: give a key", id);
	if (w) {
		*ret_key = w->key;
		memcpy(ret_ja4, w->ja4.list[0].ja4, JA4_TEXT); /* `id` may be its stable spelling */
	}
	*ret = w;
	return 0;
}

static json_t *forms(const struct hello_forms *f)
{
	json_t *list = json_array();

	for (size_t i = 0; i < f->n; i++)
		json_array_append_new(list, json_pack("{s:o, s:I}", "ja4",
						      answer_text(f->list[i].ja4, JA4_TEXT),
						      "count", (json_int_t)f->list[i].count));
	return list;
}

int request_hello_show(struct agent *a, const json_t *request, const struct moment *m, char *why,
		       struct answer *ret)
{
	const struct hello_word *w = NULL;
	char ja4[JA4_TEXT];
	const char *id;
	uint64_t key;
	int r;

	r = request_hello(request, why, &id, NULL);
	if (r == 0)
		r = find(a, id, why, &key, ja4, &w);
	if (r < 0)
		return r;
	if (!w)
		return request_fail(-ENOENT, why, "%s: not seen yet", id);

	ret->head = answer_new("hello");
	json_object_set_new(ret->head, "hello", json_word(a, w, m));
	json_object_set_new(ret->head, "ja4", forms(&w->ja4));
	json_object_set_new(ret->head, "ja4_others", json_integer(w->ja4.others));
	json_object_set_new(ret->head, "ja4_stable", forms(&w->ja4_stable));
	json_object_set_new(ret->head, "ja4_stable_others", json_integer(w->ja4_stable.others));
	return 0;
}

int request_hello_name(struct agent *a, const json_t *request, const struct moment *m, char *why,
		       struct answer *ret)
{
	const struct hello_word *w = NULL;
	const char *id, *name;
	char ja4[JA4_TEXT];
	uint64_t key;
	int r;

	(void)m;
	r = request_hello(request, why, &id, &name);
	if (r == 0 && *name)
		r = hello_name_check(name, why, REQUEST_WHY);
	if (r == 0)
		r = find(a, id, why, &key, ja4, &w);
	if (r == 0 && !*name && (!w || !w->name[0]))
		r = request_fail(-ENOENT, why, "%s: has no name", id);
	if (r == 0)
		r = agent_name_hello(a, key, ja4, name, why);
	if (r < 0)
		return r;

	ret->head = answer_new("hello_name");
	json_object_set_new(ret->head, "hello", answer_key(key));
	json_object_set_new(ret->head, "ja4", ja4[0] ? answer_text(ja4, JA4_TEXT) : json_null());
	json_object_set_new(ret->head, "hello_name",
			    *name ? answer_text(name, DICTIONARY_NAME) : json_null());
	return 0;
}

/* The answer is only the beginning: each connection that ends is a line behind it. */
int request_connections(struct agent *a, const json_t *request, const struct moment *m, char *why,
			struct answer *ret)
{
	int r;

	(void)m;
	r = request_nothing(request, why);
	if (r == 0)
		r = request_follow(a, why);
	if (r < 0)
		return r;
	ret->head = answer_new("connections");
	json_object_set_new(ret->head, "one_in", json_integer(a->conf.connections_one_in));
	ret->topic = TOPIC_CONNECTIONS;
	return 0;
}
