/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A lower bound on the share of a prefix that belongs to a campaign.
 */
#include <math.h>
#include "user/shoal/chance.h"
#include "user/shoal/purity.h"

double purity_low(double k, double n, double member_requests, double requests, double alpha)
{
	double by_source = chance_share_low(k, n, alpha / 2);
	double share = requests > 0 ? fmin(member_requests / requests, 1) : 0;

	return fmin(by_source, chance_share_low(share * n, n, alpha / 2));
}
