// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Frames a second through a veth pair into one filter: BPF_PROG_TEST_RUN with live frames sends
 * SYNs of many sources out of one end, the filter sits on the other.
 *
 *	frames OUT IN FILTER ENTRIES PIN_DIR
 *
 * FILTER: `none` attaches nothing, for filters further up the stack, `count` is a bare counting
 * drop, then `xdp-filter` and `seine`. ENTRIES is 1, 1000 or 100000; together they list every
 * source: a million of them in a /8, in /22s, in /24s. xdp-filter knows no prefixes and gets one
 * source an entry. Generator and receiver share a core, so that a figure is the cost of a packet
 * all in. Prints the ns a frame took, how many were sent in all, and how many of them the filter
 *has counted as dropped; a filter further up the stack must be asked by the caller.
 */
#include <inttypes.h>
#include <linux/ethtool.h>
#include <linux/if_link.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include "scripts/bench/bench.h"
#include "scripts/bench/generator.skel.h"
#include "scripts/bench/peers.skel.h"

#define WARM_UP 100000
#define FRAMES_XDP 2000000
#define FRAMES_STACK 1000000
#define BATCH 64 /* what a driver's poll takes at once */

enum filter { FILTER_NONE, FILTER_COUNT, FILTER_XDP_FILTER, FILTER_SEINE, FILTERS };

static const char *const filter_names[] = {
	[FILTER_NONE] = "none",
	[FILTER_COUNT] = "count",
	[FILTER_XDP_FILTER] = "xdp-filter",
	[FILTER_SEINE] = "seine",
};

struct receiver {
	enum filter filter;
	struct peers *peers;
	struct bpf_object *xdp_filter;
	struct datapath *seine;
};

/* How the entries of a list divide a million sources. */
struct division {
	uint32_t entries;
	uint8_t len;
	uint32_t nets, shift, hosts;
};

static const struct division divisions[] = {
	{ 1, 8, 62500, 8, 16 },
	{ 1000, 22, 1000, 10, 1000 },
	{ 100000, 24, 100000, 8, 10 },
};

static const struct division *division_for(const char *text)
{
	for (size_t i = 0; i < ARRAY_LEN(divisions); i++) {
		if (strtoul(text, NULL, 10) == divisions[i].entries)
			return &divisions[i];
	}
	die(0, "no list of %s entries", text);
}

static enum filter filter_named(const char *text)
{
	for (enum filter f = 0; f < FILTERS; f++) {
		if (!strcmp(text, filter_names[f]))
			return f;
	}
	die(0, "no filter is called %s", text);
}

/* --- The interfaces --- */

static void interface_ask(const char *name, unsigned long what, struct ifreq *ifr)
{
	_cleanup_(closep) int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	snprintf(ifr->ifr_name, sizeof(ifr->ifr_name), "%s", name);
	if (fd < 0 || ioctl(fd, what, ifr))
		die(errno, "%s", name);
}

static uint32_t interface_index(const char *name)
{
	uint32_t index = if_nametoindex(name);

	if (!index)
		die(errno, "%s", name);
	return index;
}

/* Without a program of its own an end of a pair takes redirected frames only when it has GRO. */
static void interface_receive(const char *name)
{
	struct ethtool_value gro = { .cmd = ETHTOOL_SGRO, .data = 1 };
	struct ifreq ifr = { .ifr_data = (void *)&gro };

	interface_ask(name, SIOCETHTOOL, &ifr);
}

static void interface_attach(const char *name, int prog)
{
	int r = bpf_xdp_attach(interface_index(name), prog, XDP_FLAGS_DRV_MODE, NULL);

	if (r)
		die(r, "attaching to %s", name);
}

/* --- The filter --- */

static int receiver_open(struct receiver *r, const struct division *d, struct walk *w,
			 const char *pin_dir)
{
	switch (r->filter) {
	case FILTER_COUNT:
		r->peers = peers__open();
		if (!r->peers)
			die(errno, "opening the peers");
		bpf_map__set_max_entries(r->peers->maps.sources, 1);
		if (peers__load(r->peers))
			die(errno, "loading the peers");
		return bpf_program__fd(r->peers->progs.count_drop);
	case FILTER_XDP_FILTER:
		r->xdp_filter = filter_open(0);
		if (!r->xdp_filter)
			die(0, "xdp-filter is not installed");
		walk_plan(w, BENCH_SOURCES, d->entries, 8, 1);
		filter_list(r->xdp_filter, w);
		return filter_prog(r->xdp_filter);
	case FILTER_SEINE:
		r->seine = datapath_fresh(pin_dir, 1 << 10, 1 << 10);
		datapath_list(r->seine, BENCH_SOURCES, d->entries, d->len);
		return datapath_prog_fd(r->seine);
	default: return -1;
	}
}

static uint64_t receiver_dropped(const struct receiver *r)
{
	struct seine_stats stats;

	switch (r->filter) {
	case FILTER_COUNT: return percpu_packets(bpf_map__fd(r->peers->maps.counted), 0, 2);
	case FILTER_XDP_FILTER:
		return percpu_packets(filter_map(r->xdp_filter, "xdp_stats_map"), XDP_DROP, 2);
	case FILTER_SEINE:
		if (datapath_stats(r->seine, &stats))
			die(errno, "reading the datapath's counters");
		return stats.dropped;
	default: return 0;
	}
}

/* --- Sending --- */

static bool read_line(const char *path, char *buf, int size)
{
	_cleanup_(fclosep) FILE *f = fopen(path, "re");

	return f && fgets(buf, size, f);
}

/* Frames that find the core busy are received by its ksoftirqd. CPU time of that thread in ns. */
static uint64_t softirq_ns(void)
{
	char name[32], comm[32], path[64];
	unsigned long long ns = 0;
	glob_t tasks = {};

	snprintf(name, sizeof(name), "ksoftirqd/%d\n", sched_getcpu());
	if (glob("/proc/[0-9]*", GLOB_NOSORT, NULL, &tasks))
		die(errno, "/proc");
	for (size_t i = 0; i < tasks.gl_pathc; i++) {
		snprintf(path, sizeof(path), "%s/comm", tasks.gl_pathv[i]);
		if (read_line(path, comm, sizeof(comm)) && !strcmp(comm, name)) {
			char line[96];

			snprintf(path, sizeof(path), "%s/schedstat", tasks.gl_pathv[i]);
			if (read_line(path, line, sizeof(line)))
				ns = strtoull(line, NULL, 10);
			break;
		}
	}
	globfree(&tasks);
	return ns;
}

/* ns a frame, as long as it was worked on: the kernel stops its watch where it gives up the core. */
static uint32_t send_frames(int prog, const struct frame *frame, uint32_t n)
{
	LIBBPF_OPTS(bpf_test_run_opts, o, .data_in = frame->bytes, .data_size_in = frame->len,
		    .repeat = n, .flags = BPF_F_TEST_XDP_LIVE_FRAMES, .batch_size = BATCH);

	if (bpf_prog_test_run_opts(prog, &o))
		die(errno, "sending frames");
	return o.duration;
}

static struct generator *generator_for(const struct frame *frame, const struct walk *plan,
				       uint32_t out)
{
	struct generator *g = generator__open_and_load();

	if (!g)
		die(errno, "loading the generator");
	g->bss->walk = *plan;
	g->bss->walk.ip_sum = frame->ip_sum;
	g->bss->walk.seq = FRAME_ISN;
	g->bss->walk.ifindex = out;
	return g;
}

static void measure(const char *out, const char *in, struct receiver *r, const struct division *d,
		    const char *pin_dir)
{
	uint32_t n = r->filter == FILTER_NONE ? FRAMES_STACK : FRAMES_XDP;
	struct ifreq ifr = {};
	struct generator *g;
	struct frame frame;
	struct walk plan;
	uint64_t softirq;
	uint32_t ns;
	int prog;

	walk_plan(&plan, BENCH_SOURCES, d->nets, d->shift, d->hosts);
	prog = receiver_open(r, d, &plan, pin_dir);
	if (prog >= 0)
		interface_attach(in, prog);
	else
		interface_receive(in);

	interface_ask(in, SIOCGIFHWADDR, &ifr);
	frame_make(FRAME_SYN, 20000, (const uint8_t *)ifr.ifr_hwaddr.sa_data, &frame);
	g = generator_for(&frame, &plan, interface_index(out));
	prog = bpf_program__fd(g->progs.generate_redirect);

	send_frames(prog, &frame, WARM_UP);
	softirq = softirq_ns();
	ns = send_frames(prog, &frame, n);
	softirq = softirq_ns() - softirq;
	printf("%.1f %u %" PRIu64 "\n", ns + (double)softirq / n, WARM_UP + n, receiver_dropped(r));

	if (r->filter != FILTER_NONE &&
	    bpf_xdp_detach(interface_index(in), XDP_FLAGS_DRV_MODE, NULL))
		die(errno, "detaching from %s", in);
}

int main(int argc, char **argv)
{
	struct receiver r = {};

	if (argc != 6)
		die(0, "usage: frames OUT IN FILTER ENTRIES PIN_DIR");
	libbpf_set_print(quiet);
	pin_to_last_cpu();
	r.filter = filter_named(argv[3]);
	measure(argv[1], argv[2], &r, division_for(argv[4]), argv[5]);
	return 0;
}
