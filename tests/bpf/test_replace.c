// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The program is replaced two hundred times under traffic, as by an upgrade: no packet gets past
 * it, and none is lost. All traffic comes from a listed source, so whatever reaches the host's
 * stack has met no program; and what was sent is what was counted, by the old program or the new.
 */
#include <arpa/inet.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>
#include "tests/bpf/older.h"
#include "tests/bpf/older.skel.h"
#include "tests/bpf/packet.h"
#include "user/base/cleanup.h"

#define PIN_DIR "/sys/fs/bpf/seine-test-replace"
#define NEAR "seine-near"
#define FAR "seine-far"
#define SWAPS 200
#define BURST 128 /* frames at once; a veth holds 256 */
#define WAIT_SEC 5

static struct datapath *datapath;
static struct older *older;	  /* what it takes turns with, on the same maps */
static int near = -1, stack = -1; /* what sends, and what sees that a packet came through */
static uint64_t sent;
static bool stop;
static int swap_error;

/* ---- Traffic ---- */

static uint64_t dropped(void)
{
	struct seine_stats s = { 0 };

	datapath_stats(datapath, &s);
	return s.dropped;
}

static bool all_dropped(void)
{
	time_t until = time(NULL) + WAIT_SEC;

	while (dropped() < sent) {
		if (time(NULL) > until)
			return false;
		sched_yield();
	}
	return true;
}

static int send_burst(const struct wire *w)
{
	struct iovec part = { (void *)w->bytes, w->len };
	struct mmsghdr burst[BURST];
	int n;

	for (int i = 0; i < BURST; i++)
		burst[i] = (struct mmsghdr){ .msg_hdr = { .msg_iov = &part, .msg_iovlen = 1 } };
	n = sendmmsg(near, burst, BURST, 0);
	if (n > 0)
		sent += n;
	return n < 0 ? -errno : 0;
}

/* Packets of ours that reached the stack; of many, as many as the socket holds. */
static uint32_t came_through(const struct wire *w)
{
	uint8_t at[2048];
	uint32_t n = 0;
	ssize_t len;

	while ((len = recv(stack, at, sizeof(at), MSG_DONTWAIT)) > 0)
		n += len == (ssize_t)w->len && !memcmp(at, w->bytes, len);
	return n;
}

static int packet_socket(const char *ifname)
{
	struct sockaddr_ll a = { .sll_family = AF_PACKET,
				 .sll_protocol = htons(ETH_P_IP),
				 .sll_ifindex = (int)if_nametoindex(ifname) };
	_cleanup_(closep) int fd = socket(AF_PACKET, SOCK_RAW, htons(ETH_P_IP));

	if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof(a)))
		return -errno;
	return take_fd(fd);
}

/* ---- Replacement ---- */

/* Every replacement must be one: the id of what runs changes each time. */
static int replace_once(int i, uint32_t *id)
{
	enum datapath_xdp_mode mode;
	char why[DATAPATH_WHY];
	uint32_t now = 0;
	int r;

	if (i & 1)
		r = datapath_attach(datapath, FAR, XDP_NATIVE, why);
	else
		r = older_attach(older, (int)if_nametoindex(FAR));
	if (r < 0)
		return r;
	r = datapath_attached(datapath, FAR, &now, &mode);
	if (r < 0 || mode != XDP_NATIVE || now == *id)
		return -EUCLEAN;
	*id = now;
	return 0;
}

static void *swap(void *arg)
{
	uint32_t id = 0;

	for (int i = 0; i < SWAPS && !swap_error; i++)
		swap_error = replace_once(i, &id);
	__atomic_store_n(&stop, true, __ATOMIC_RELEASE);
	return arg;
}

static void test_replace(void **state)
{
	struct shape shape = { .src = "192.0.2.7", .proto = IPPROTO_UDP, .payload_len = 100 };
	struct wire w;
	pthread_t swapper;

	(void)state;
	wire_build(&shape, &w);
	assert_int_equal(pthread_create(&swapper, NULL, swap, NULL), 0);
	while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE)) {
		assert_int_equal(send_burst(&w), 0);
		if (!all_dropped())
			break;
	}
	pthread_join(swapper, NULL);
	assert_int_equal(swap_error, 0);
	print_message("# %lu packets, %d replacements\n", sent, SWAPS);
	assert_int_equal(came_through(&w), 0);
	assert_int_equal(dropped(), sent);
	assert_true(sent >= 1000);
}

/* The method sees a hole when there is one. */
static void test_hole(void **state)
{
	struct shape shape = { .src = "192.0.2.7", .proto = IPPROTO_UDP, .payload_len = 100 };
	char why[DATAPATH_WHY];
	struct wire w;

	(void)state;
	wire_build(&shape, &w);
	assert_int_equal(datapath_detach(datapath, FAR, why), 0);
	assert_int_equal(send_burst(&w), 0);
	assert_int_equal(datapath_attach(datapath, FAR, XDP_NATIVE, why), 0);
	assert_int_equal(came_through(&w), BURST);
}

/* ---- Set-up ---- */

static int list_source(struct datapath *d)
{
	struct entry e = { .row = { .action = SEINE_DROP, .origin = SEINE_OPERATOR } };
	struct entries list = { .n = 1, .list = &e };
	struct seine_cfg cfg = { .mode = SEINE_ENFORCE };
	static const struct seine_ports ports = { .udp[443 / 64] = 1ull << 443 % 64 };
	char why[DATAPATH_WHY];
	int r;

	wire_address("192.0.2.7", e.prefix.ip);
	e.prefix.len = 128;
	r = datapath_configure(d, &cfg);
	if (!r)
		r = datapath_protect(d, &ports);
	return r ? r : datapath_apply(d, &list, why);
}

static int open_all(void **state)
{
	const struct datapath_options options = {
		.pin_dir = PIN_DIR,
		.sizes = { .sources = 64,
			   .nets = 64,
			   .flows = 64,
			   .half_open = 64,
			   .hit_slots = 64,
			   .allows = 64 },
		.source_bits = 64,
	};
	char why[DATAPATH_WHY];

	(void)state;
	datapath_unpin(PIN_DIR);
	/* Without IPv6 the kernel itself sends nothing. */
	if (unshare(CLONE_NEWNET) ||
	    system("echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6 && "
		   "ip link add " NEAR " type veth peer name " FAR " && ip link set " NEAR " up && "
		   "ip link set " FAR " up"))
		return -1;
	if (datapath_open(&options, why, &datapath)) {
		print_message("# %s\n", why);
		return -1;
	}
	older = older_load(datapath);
	if (!older)
		return -1;
	near = packet_socket(NEAR);
	stack = packet_socket(FAR);
	if (near < 0 || stack < 0 || list_source(datapath))
		return -1;
	return datapath_attach(datapath, FAR, XDP_NATIVE, why);
}

static int close_all(void **state)
{
	(void)state;
	closep(&near);
	closep(&stack);
	older__destroy(older);
	datapath_close(datapath);
	datapath_unpin(PIN_DIR);
	rmdir(PIN_DIR);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "200 replacements under traffic, no hole", test_replace, NULL, NULL, NULL },
		{ "a hole would be seen", test_hole, NULL, NULL, NULL },
	};

	return cmocka_run_group_tests(tests, open_all, close_all);
}
