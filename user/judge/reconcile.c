/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Claims recorded and entries held, at a start. See reconcile.h. */
#include "user/judge/reconcile.h"

#include "user/base/cleanup.h"

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
		r = claims_adopt(c, in->composed, in->held, in->now_sec, &diff);
	else if (r == 0 && which == RECONCILED_PENDING)
		r = join_external(c, in, &diff);
	if (r < 0)
		return r;
	*ret = take_ptr(c);
	*ret_how = which;
	*ret_diff = diff;
	return 0;
}
