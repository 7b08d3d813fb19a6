/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The crowd's times.
 */
#include <errno.h>
#include <stdlib.h>
#include "user/shoal/tempo.h"

struct tempo {
	const struct population *p;
};

int tempo_new(const struct population *p, struct tempo **ret)
{
	struct tempo *t = calloc(1, sizeof(*t));

	if (!t)
		return -ENOMEM;
	t->p = p;
	*ret = t;
	return 0;
}

void tempo_free(struct tempo *t)
{
	free(t);
}
