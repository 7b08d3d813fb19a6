// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The XDP program: the order of the steps and nothing else.
 *
 *	parse -> protected port? -> verdict -> track the connection, account to its source
 *
 * Behind a balancer (client.h) the last two change places, for only the connection knows its client.
 * A packet that is not understood passes, and a counter says why. Whatever fails inside passes too.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "client.h"
#include "parse.h"
#include "track.h"
#include "verdict.h"

char LICENSE[] SEC("license")
= "GPL";

static __always_inline void count_refused(struct seine_stats *stats, enum parse why)
{
	switch (why) {
	case PARSE_NOT_IP: stats->not_ip++; break;
	case PARSE_NOT_L4: stats->not_l4++; break;
	case PARSE_FRAGMENT_LATER: stats->fragment++; break;
	case PARSE_TRUNCATED: stats->truncated++; break;
	case PARSE_BAD_HEADER: stats->bad_header++; break;
	default: stats->ext_chain++;
	}
}

static __always_inline bool is_protected(const struct packet *p, const struct seine_ports *ports)
{
	__u64 word =
		p->proto == IPPROTO_UDP ? ports->udp[p->dport / 64] : ports->tcp[p->dport / 64];
	return word >> (p->dport & 63) & 1;
}

static __always_inline void count_protected(struct seine_stats *stats, const struct packet *p)
{
	stats->protected ++;
	stats->protected_bytes += p->ip_bytes;
	if (p->proto == IPPROTO_UDP)
		stats->udp++;
	else if ((p->flags & (TCP_SYN | TCP_ACK)) == TCP_SYN)
		stats->syn++;
}

SEC("xdp.frags")
int seine(struct xdp_md *ctx)
{
	const struct seine_ports *ports;
	struct seine_stats *stats;
	struct seine_cfg *cfg;
	struct packet p = {};
	struct verdict v = {};
	__u64 tag;
	int proven;
	__u32 zero = 0;
	enum parse why;

	stats = bpf_map_lookup_elem(&seine_stats, &zero);
	cfg = bpf_map_lookup_elem(&seine_cfg, &zero);
	ports = bpf_map_lookup_elem(&seine_ports, &zero);
	if (!stats || !cfg || !ports)
		return XDP_PASS;

	stats->packets++;
	why = parse_packet(ctx, cfg->decap, &p);
	if (why) {
		count_refused(stats, why);
		return XDP_PASS;
	}
	if (!is_protected(&p, ports)) {
		stats->not_protected++;
		return XDP_PASS;
	}
	count_protected(stats, &p);

	if (client_is_behind(&p, ports, cfg)) {
		p.behind = CLIENT_UNKNOWN;
		tag = seed_connection(&p);
		proven = track(ctx, &p, cfg, stats, tag);
		if (p.behind == CLIENT_UNKNOWN) {
			stats->balancer_early++;
			return XDP_PASS;
		}
		if (verdict(&p, cfg, stats, &v))
			return XDP_DROP;
	} else {
		if (verdict(&p, cfg, stats, &v))
			return XDP_DROP;
		if (p.proto == IPPROTO_UDP) {
			event_quic(ctx, &p, cfg, stats);
			return XDP_PASS;
		}
		tag = seed_connection(&p);
		proven = track(ctx, &p, cfg, stats, tag);
	}
	if (v.waits && verdict_hello(&p, proven ? track_hello_key(tag) : 0, cfg, stats, &v))
		return XDP_DROP;
	return XDP_PASS;
}
