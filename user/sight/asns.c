/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Networks, not known yet.
 */
#include <stdlib.h>
#include "user/sight/asns.h"

void asns_free(struct asns *a)
{
	free(a);
}
