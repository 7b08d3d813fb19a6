/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * At least two of several families of evidence.
 */
#include "user/shoal/pcomb.h"

double pcomb_two_without(const double *p, size_t n, size_t left_out)
{
	double first = 1, second = 1;
	size_t used = 0;

	for (size_t i = 0; i < n; i++) {
		if (i == left_out)
			continue;
		used++;
		if (p[i] < first) {
			second = first;
			first = p[i];
		} else if (p[i] < second) {
			second = p[i];
		}
	}
	if (used < 2)
		return 1;
	second *= (double)(used - 1);
	return second < 1 ? second : 1;
}

double pcomb_two(const double *p, size_t n)
{
	return pcomb_two_without(p, n, n);
}
