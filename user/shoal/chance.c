/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tail probabilities and exact confidence bounds on top of GSL.
 *
 * GSL's inverse functions call its error handler, which aborts, when their search does not
 * converge; the bounds here search by bisection over the forward functions instead.
 */
#include <gsl/gsl_cdf.h>
#include <math.h>
#include "user/shoal/chance.h"

#define BISECTIONS 60 /* halves [0, 1] down to the precision of a double */

/* From about ten times that on, GSL's series do not always converge. */
#define CHI_SQUARE_LARGE 1e5

static double bounded(double p)
{
	if (!(p <= 1))
		return 1;
	return p < CHANCE_MIN ? CHANCE_MIN : p;
}

double chance_binomial(uint32_t k, uint32_t n, double p)
{
	if (!k || !(p >= 0) || p >= 1)
		return 1;
	if (k > n || p <= 0)
		return CHANCE_MIN;
	return bounded(gsl_cdf_binomial_Q(k - 1, p, n));
}

double chance_hypergeometric(uint32_t k, uint32_t drawn, uint32_t marked, uint32_t all)
{
	if (!k || marked > all || drawn > all)
		return 1;
	if (k > drawn || k > marked)
		return CHANCE_MIN;
	return bounded(gsl_cdf_hypergeometric_Q(k - 1, marked, all - marked, drawn));
}

double chance_normal(double z)
{
	return isnan(z) ? 1 : bounded(gsl_cdf_ugaussian_Q(z));
}

double chance_student(double t, double freedom)
{
	if (isnan(t) || !(freedom > 0))
		return 1;
	if (isinf(t))
		return t > 0 ? CHANCE_MIN : 1;
	return bounded(gsl_cdf_tdist_Q(t, freedom));
}

double chance_chi_square(double x, double freedom)
{
	double cubic;

	if (!(x > 0) || !(freedom > 0) || isinf(freedom))
		return 1;
	if (x < CHI_SQUARE_LARGE && freedom < CHI_SQUARE_LARGE)
		return bounded(gsl_cdf_chisq_Q(x, freedom));
	/* Wilson and Hilferty (1931): the cube root is nearly normal. */
	cubic = 2 / (9 * freedom);
	return chance_normal((cbrt(x / freedom) - 1 + cubic) / sqrt(cubic));
}

double chance_share_low(double k, double n, double alpha)
{
	double low = 0, high = 1, mid;

	if (!(k > 0) || !(k <= n))
		return 0;
	for (int i = 0; i < BISECTIONS; i++) {
		mid = (low + high) / 2;
		if (gsl_cdf_beta_P(mid, k, n - k + 1) < alpha)
			low = mid;
		else
			high = mid;
	}
	return low;
}

double chance_share_high(double k, double n, double alpha)
{
	if (!(n > 0) || !(k < n))
		return 1;
	return 1 - chance_share_low(n - k, n, alpha);
}
