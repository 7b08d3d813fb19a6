/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Over how many networks a campaign is spread. A company behind proxies of its own sits in one or
 * few networks, a swarm in many. What is left outside of the few that hold most members is counted
 * for itself, so that nobody hides many exits behind one large network.
 */
#include "user/shoal/campaign.h"

/* As wide as an entry may be: a company's own addresses fill one or few of these. */
#define NETWORK_V4 (PREFIX_V4_BASE + 20)
#define NETWORK_V6 40

/* Members in one network: [first, first + n). */
struct huddle {
	size_t first, n;
};

static size_t run_from(const struct campaign *c, size_t first)
{
	struct prefix address = prefix_of(c->members[first].source, 128), network;
	size_t n = 1;

	network = prefix_parent(&address, prefix_is_v4(&address) ? NETWORK_V4 : NETWORK_V6);
	for (; first + n < c->n_members; n++) {
		address = prefix_of(c->members[first + n].source, 128);
		if (!prefix_covers(&network, &address))
			break;
	}
	return n;
}

static void keep_largest(struct huddle largest[CAMPAIGN_HUDDLES], struct huddle h)
{
	struct huddle smaller;

	for (int i = 0; i < CAMPAIGN_HUDDLES; i++) {
		if (h.n <= largest[i].n)
			continue;
		smaller = largest[i];
		largest[i] = h;
		h = smaller;
	}
}

/* How many networks of equal shares would be as concentrated (inverse of Simpson's index, 1949). */
static double equal_networks(double members, double squares)
{
	return squares > 0 ? members * members / squares : 0;
}

void campaign_spread(struct campaign *c)
{
	struct huddle largest[CAMPAIGN_HUDDLES] = { 0 };
	double squares = 0, without;
	size_t n = 0;

	for (size_t i = 0; i < c->n_members; i += n) {
		n = run_from(c, i);
		squares += (double)n * (double)n;
		keep_largest(largest, (struct huddle){ i, n });
	}
	for (size_t i = 0; i < c->n_members; i++)
		c->members[i].huddled = false;
	c->networks = equal_networks((double)c->n_members, squares);
	c->scattered = (uint32_t)c->n_members;
	without = squares;
	for (int h = 0; h < CAMPAIGN_HUDDLES; h++) {
		for (size_t i = 0; i < largest[h].n; i++)
			c->members[largest[h].first + i].huddled = true;
		c->scattered -= (uint32_t)largest[h].n;
		without -= (double)largest[h].n * (double)largest[h].n;
	}
	c->scattered_networks = equal_networks(c->scattered, without);
}
