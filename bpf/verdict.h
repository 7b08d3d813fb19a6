/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whether a packet to a protected port may pass.
 *
 *	kill switch -> does the address touch any entry? -> allow list -> the entry's action
 *
 * The allow list always wins; it is asked only about packets that an entry would hit, so that the
 * common case costs one bit. Of several entries the longest counts; one that has expired, or that
 * is for another ClientHello, gives way to the next shorter one. Where an entry asks for the
 * ClientHello, the decision waits until the connection is known. Every way through has one counter.
 */
#ifndef SEINE_VERDICT_H
#define SEINE_VERDICT_H

#include "clock.h"
#include "maps.h"
#include "seed.h"

struct verdict {
	__u64 now_ns;
	__u32 now_sec;
	__u32 generation;
	bool waits;	    /* for the connection's ClientHello */
	bool hello_differs; /* an entry is for another ClientHello */
	bool expired;	    /* an entry has expired */
};

PARSE_INLINE bool verdict_off(void)
{
	__u32 zero = 0;
	const __u32 *off = bpf_map_lookup_elem(&seine_off, &zero);

	return off && *off;
}

/* The generation in force, when it may hold something for this source; -1 when it cannot. */
PARSE_INLINE int verdict_generation(const struct packet *p)
{
	const struct seine_lengths *lengths;
	const __u32 *active;
	const __u64 *word;
	__u32 zero = 0, generation, bit;

	active = bpf_map_lookup_elem(&seine_active, &zero);
	if (!active)
		return -1;
	generation = *active & 1;

	bit = seine_bit(p->src_hi, p->src_lo, seed0, seed1);
	zero = generation * SEINE_BITS_WORDS + bit / 64;
	word = bpf_map_lookup_elem(&seine_bits, &zero);
	if (word && *word >> (bit & 63) & 1)
		return generation;
	if (!p->v6)
		return -1;
	lengths = bpf_map_lookup_elem(&seine_lengths, &generation);
	return lengths && lengths->v6_wide ? (int)generation : -1;
}

PARSE_INLINE bool verdict_expired(__u32 expires_sec, __u32 now_sec)
{
	return expires_sec && expires_sec <= now_sec;
}

/* The longest entry in force for the source and, where it asks for one, the ClientHello; or NULL. */
PARSE_INLINE const struct seine_entry *verdict_find(const struct packet *p, __u64 hello_key,
						    struct verdict *v)
{
	__u32 generation = v->generation;
	const struct seine_lengths *lengths = bpf_map_lookup_elem(&seine_lengths, &generation);
	void *list = bpf_map_lookup_elem(&seine_lists, &generation);
	const __u8 *lens;
	__u32 count;

	if (!lengths || !list)
		return NULL;

	lens = p->v6 ? lengths->v6 : lengths->v4;
	count = p->v6 ? lengths->v6_count : lengths->v4_count;
	PARSE_LOOP
	for (__u32 i = 0; i < SEINE_V6_LENGTHS; i++) {
		const struct seine_entry *entry;
		struct seine_prefix key = {};
		__u64 hi = p->src_hi, lo = p->src_lo;

		if (i >= count)
			break;
		key.len = lens[i];
		seed_mask(&hi, &lo, p->v6 ? key.len : key.len + 96);
		seed_store(key.ip, hi, lo);
		entry = bpf_map_lookup_elem(list, &key);
		if (!entry)
			continue;
		if (verdict_expired(entry->expires_sec, v->now_sec))
			v->expired = true;
		else if (entry->hello_key && entry->hello_key != hello_key)
			v->hello_differs = true;
		else
			return entry;
	}
	return NULL;
}

PARSE_INLINE bool verdict_allowed(const struct packet *p, __u32 now_sec)
{
	struct seine_allow_key key = { .len128 = 128 };
	const struct seine_allow *allow;

	seed_store(key.ip, p->src_hi, p->src_lo);
	allow = bpf_map_lookup_elem(&seine_allow, &key);
	return allow && !verdict_expired(allow->expires_sec, now_sec);
}

PARSE_INLINE void verdict_hit(const struct packet *p, const struct seine_entry *entry,
			      __u32 now_sec)
{
	__u32 slot = entry->slot;
	struct seine_hit *hit = bpf_map_lookup_elem(&seine_hits, &slot);

	if (!hit)
		return;
	hit->packets++;
	hit->bytes += p->ip_bytes;
	hit->last_sec = now_sec;
	if (p->proto == IPPROTO_TCP && (p->flags & (TCP_SYN | TCP_ACK)) == TCP_SYN)
		hit->syns++;
}

/* GCRA (ITU-T I.371): the theoretical arrival time of the next packet, with a tolerance for all of
 * `burst` but the one that is due.
 * Slot 0 belongs to several entries, which must not use up each other's rate. */
PARSE_INLINE bool verdict_within_rate(const struct seine_entry *entry, __u64 now_ns)
{
	__u32 slot = entry->slot;
	__u64 *tat = bpf_map_lookup_elem(&seine_tat, &slot);
	__u64 gap, due, ahead;

	if (!tat || !slot || !entry->rate_pps)
		return !!entry->rate_pps;
	gap = NS_PER_SEC / entry->rate_pps;
	due = *tat > now_ns ? *tat : now_ns;
	ahead = gap * (entry->burst ? entry->burst - 1 : 0);
	if (due - now_ns > ahead) {
		/* No bucket of this rate and burst is so far ahead: it is left from before they
		 * were changed, and would block everything for as long as it took to drain then. */
		if (due - now_ns > ahead + gap)
			*tat = now_ns + ahead;
		return false;
	}
	*tat = due + gap;
	return true;
}

PARSE_INLINE bool verdict_agent_alive(const struct seine_cfg *cfg, __u32 now_sec)
{
	__u32 zero = 0;
	const __u32 *beat = bpf_map_lookup_elem(&seine_beat, &zero);

	return beat && now_sec <= *beat + cfg->beat_max_sec;
}

/* Where a source stands among all, of SEINE_SHARE: the same for every entry and packet, so that a
 * growing share only ever adds sources. */
PARSE_INLINE __u32 verdict_share(const struct packet *p)
{
	return (seed_source_hash(p) >> 32) * SEINE_SHARE >> 32;
}

/* What an entry that covers the packet does to it: true to drop. Counts the reason. */
PARSE_INLINE bool verdict_act(const struct packet *p, const struct seine_entry *entry,
			      const struct seine_cfg *cfg, struct seine_stats *stats,
			      const struct verdict *v)
{
	__u32 now_sec = v->now_sec;

	if (verdict_allowed(p, now_sec)) {
		stats->allowed++;
		return false;
	}
	verdict_hit(p, entry, now_sec);

	switch (entry->action) {
	case SEINE_DROP:
		if (!entry->share || verdict_share(p) < entry->share)
			break;
		stats->held_out++;
		return false;
	case SEINE_CANARY:
		if (verdict_share(p) < entry->share)
			break;
		stats->canary_spared++;
		return false;
	case SEINE_LIMIT:
		if (!verdict_within_rate(entry, v->now_ns))
			break;
		stats->within_limit++;
		return false;
	default: stats->watched++; return false;
	}

	if (entry->origin == SEINE_AUTO && !verdict_agent_alive(cfg, now_sec)) {
		stats->agent_silent++;
		return false;
	}
	if (cfg->mode != SEINE_ENFORCE) {
		stats->would_drop++;
		return false;
	}
	stats->dropped++;
	stats->dropped_bytes += p->ip_bytes;
	return true;
}

/* True to drop. Counts the one way out that the packet takes. */
PARSE_INLINE bool verdict_settle(const struct packet *p, const struct seine_entry *entry,
				 const struct seine_cfg *cfg, struct seine_stats *stats,
				 const struct verdict *v)
{
	if (entry)
		return verdict_act(p, entry, cfg, stats, v);
	if (v->hello_differs)
		stats->hello_differs++;
	else if (v->expired)
		stats->expired++;
	else
		stats->passed++;
	return false;
}

/*
 * Before any state is touched: true to drop. Where an entry asks for a ClientHello and the packet
 * may belong to a connection that has shown one, `v->waits` and verdict_hello() decides.
 */
PARSE_ONCE int verdict(const struct packet *p, const struct seine_cfg *cfg,
		       struct seine_stats *stats, struct verdict *v)
{
	const struct seine_entry *entry;
	int generation;

	if (!p || !cfg || !stats || !v)
		return false;
	if (verdict_off()) {
		stats->switched_off++;
		return false;
	}
	generation = verdict_generation(p);
	if (generation < 0) {
		stats->passed++;
		return false;
	}
	v->generation = generation;
	v->now_ns = clock_coarse();
	v->now_sec = v->now_ns / NS_PER_SEC;
	entry = verdict_find(p, 0, v);
	if (v->hello_differs && p->proto == IPPROTO_TCP && !(p->flags & TCP_SYN)) {
		v->waits = true;
		return false;
	}
	return verdict_settle(p, entry, cfg, stats, v);
}

/* After the connection is known. `hello_key` 0: it has not shown a ClientHello (yet). */
PARSE_ONCE int verdict_hello(const struct packet *p, __u64 hello_key, const struct seine_cfg *cfg,
			     struct seine_stats *stats, struct verdict *v)
{
	if (!p || !cfg || !stats || !v)
		return false;
	v->hello_differs = false;
	return verdict_settle(p, verdict_find(p, hello_key, v), cfg, stats, v);
}

#endif
