// SPDX-License-Identifier: GPL-2.0-or-later
/* Stands for an older seine: the same name and maps, other instructions. Drops everything, and
 * counts it as dropped. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "bpf/maps.h"

char LICENSE[] SEC("license")
= "GPL";

SEC("xdp.frags")
int seine(struct xdp_md *ctx)
{
	__u32 zero = 0;
	struct seine_stats *stats = bpf_map_lookup_elem(&seine_stats, &zero);
	struct seine_cfg *cfg = bpf_map_lookup_elem(&seine_cfg, &zero); /* makes it one of ours */

	if (!stats || !cfg || !ctx->data)
		return XDP_PASS;
	stats->dropped++;
	return XDP_DROP;
}
