/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Groups of sources with one hello key, and those of each that are behind a second leg.
 */
#include <errno.h>
#include <stdlib.h>
#include "user/base/cleanup.h"
#include "user/shoal/cohort.h"

void cohorts_free(struct cohorts *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < c->n; i++) {
		free(c->list[i].proven);
		free(c->list[i].lfdr);
	}
	free(c->list);
	free(c);
}

static void cohorts_freep(struct cohorts **c)
{
	cohorts_free(*c);
}

static const struct source *at(const struct population *p, const struct cohort *c, size_t i)
{
	return &p->list[c->same_key[i]];
}

/* The group that starts at by_key[first], not yet its split sources. */
static struct cohort group_from(const struct population *p, size_t first)
{
	struct cohort c = { .same_key = &p->by_key[first] };
	const struct source *s;

	c.hello_key = at(p, &c, 0)->hello_key;
	for (; first + c.n_same_key < p->n; c.n_same_key++) {
		s = at(p, &c, c.n_same_key);
		if (s->hello_key != c.hello_key)
			break;
		c.asked += s->asked;
		c.leaning += s->leans;
		c.n += s->split;
	}
	return c;
}

static int collect_split(const struct population *p, struct cohort *c)
{
	uint64_t dual = 0, single = 0;
	const struct source *s;
	size_t n = 0;

	c->proven = calloc(c->n, sizeof(*c->proven));
	c->lfdr = calloc(c->n, sizeof(*c->lfdr));
	if (!c->proven || !c->lfdr)
		return -ENOMEM;
	for (size_t i = 0; i < c->n_same_key; i++) {
		s = at(p, c, i);
		if (!s->split)
			continue;
		c->proven[n] = c->same_key[i];
		c->lfdr[n++] = 1;
		dual += s->f->gap_dual;
		single += s->f->gap_single;
	}
	c->gap = dual >= single ? SEINE_GAP_DUAL : SEINE_GAP_SINGLE;
	return 0;
}

static int cohorts_add(struct cohorts *c, const struct population *p, const struct cohort *group)
{
	struct cohort *list;

	if (!(c->n & (c->n - 1))) {
		list = reallocarray(c->list, c->n ? c->n * 2 : 1, sizeof(*list));
		if (!list)
			return -ENOMEM;
		c->list = list;
	}
	c->list[c->n++] = *group;
	return collect_split(p, &c->list[c->n - 1]);
}

int cohorts_new(const struct population *p, size_t min, struct cohorts **ret)
{
	_cleanup_(cohorts_freep) struct cohorts *c = calloc(1, sizeof(*c));
	struct cohort group;
	int r;

	if (!c)
		return -ENOMEM;
	for (size_t first = 0; first < p->n; first += group.n_same_key) {
		group = group_from(p, first);
		if (!group.hello_key || !group.n || group.n < min)
			continue;
		r = cohorts_add(c, p, &group);
		if (r < 0)
			return r;
	}
	*ret = take_ptr(c);
	return 0;
}
