/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Claims recorded and entries held, at a start. See reconcile.h. */
#include "user/judge/reconcile.h"

#include "user/base/cleanup.h"

static void entries_freep(struct entries **e)
{
	entries_free(*e);
}

/* A list in force that nobody ever brought into force is not one that was left as recorded. */
static enum reconciled how(const struct reconcile *in)
{
	if (!in->recorded_number)
		return RECONCILED_FRESH;
	if (!in->applied_number)
		return RECONCILED_PENDING;
	if (in->applied_maps != in->maps)
		return RECONCILED_OTHER_MAPS;
	return in->recorded_number == in->applied_number ? RECONCILED_IN_FORCE : RECONCILED_PENDING;
}

/* Whoever wrote them. */
static int take_over(struct claims *c, const struct entries *held, struct entries_diff *diff)
{
	int r = 0;

	for (size_t i = 0; i < held->n && r == 0; i++)
		r = claims_append(c, &held->list[i]);
	diff->added = held->n;
	return r < 0 ? r : claims_sort(c);
}

/* Behind the others, in one go: there may be many. What is recorded for people is the newer word.
 */
static int join_external(struct claims *c, const struct reconcile *in, struct entries_diff *diff)
{
	int r = 0;

	for (size_t i = 0; i < in->held->n && r == 0; i++) {
		const struct entry *e = &in->held->list[i];

		if (e->row.origin != SEINE_EXTERNAL || claims_find(in->recorded, e))
			continue;
		diff->added++;
		r = claims_append(c, e);
	}
	return r < 0 ? r : claims_sort(c);
}

/* ---- left as recorded, and composed otherwise than then ---- */

/* As a claim says, to the last field: it was we who wrote it, before what else has a say in the
 * list changed. A guard may speak for it since, or a trial that keeps it short may have been
 * confirmed. */
static bool is_claimed(const struct reconcile *in, const struct entry *held)
{
	const struct entry *claim = claims_find(in->recorded, held);

	return claim && entry_same(claim, held);
}

struct claimed {
	const struct reconcile *in;
	size_t n;
};

static void count_claimed(const struct entry *was, const struct entry *is, void *arg)
{
	struct claimed *c = arg;

	(void)was;
	c->n += is && is_claimed(c->in, is);
}

/* What is held, with that in the place of ours which follows from the claims. */
static int without_claimed(const struct reconcile *in, struct entries **ret)
{
	_cleanup_(entries_freep) struct entries *e = NULL;
	int r = entries_new(in->held->n, &e);

	for (size_t i = 0; i < in->held->n && r == 0; i++) {
		const struct entry *held = &in->held->list[i];
		const struct entry *ours = entries_find(in->composed, &held->prefix);

		if (!is_claimed(in, held))
			r = entries_append(e, held);
		else if (ours)
			r = entries_append(e, ours);
	}
	if (r == 0)
		*ret = take_ptr(e);
	return r;
}

static int adopt(struct claims *c, const struct reconcile *in, struct entries_diff *diff)
{
	_cleanup_(entries_freep) struct entries *theirs = NULL;
	struct claimed claimed = { .in = in };
	int r = 0;

	(void)entries_each_change(in->composed, in->held, count_claimed, &claimed);
	if (claimed.n)
		r = without_claimed(in, &theirs);
	return r < 0 ? r
		     : claims_adopt(c, in->composed, theirs ? theirs : in->held, in->now_sec, diff);
}

int reconcile(const struct reconcile *in, struct claims **ret, enum reconciled *ret_how,
	      struct entries_diff *ret_diff)
{
	_cleanup_(claims_freep) struct claims *c = NULL;
	struct entries_diff diff = { 0 };
	enum reconciled which = how(in);
	int r;

	r = claims_copy(in->recorded, &c);
	if (r == 0 && which == RECONCILED_FRESH)
		r = take_over(c, in->held, &diff);
	else if (r == 0 && which == RECONCILED_IN_FORCE)
		r = adopt(c, in, &diff);
	else if (r == 0 && which == RECONCILED_PENDING)
		r = join_external(c, in, &diff);
	if (r < 0)
		return r;
	*ret = take_ptr(c);
	*ret_how = which;
	*ret_diff = diff;
	return 0;
}
