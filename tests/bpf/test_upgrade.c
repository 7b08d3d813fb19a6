// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Attaching again keeps a program that is already the right one; detaching lets packets through.
 * That replacing leaves no hole is test_replace's to show.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sched.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>
#include <sys/socket.h>
#include "tests/bpf/rig.h"
#include "user/base/cleanup.h"

#define PINS "/sys/fs/bpf/seine-test-upgrade"
#define FRAME 54

static int packet_socket(const char *ifname)
{
	struct sockaddr_ll address = { .sll_family = AF_PACKET,
				       .sll_protocol = htons(ETH_P_ALL),
				       .sll_ifindex = (int)if_nametoindex(ifname) };
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_ALL));

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

/* A TCP SYN from 10.1.2.3 to port 443. */
static const uint8_t
	frame[FRAME] = {
		[12] = 0x08, 0x00, 0x45,	0,    0,	 40,   0,	    0,	  0,   0,
		64,	     6,	   0,		0,    [26] = 10, 1,    2,	    3,	  192, 0,
		2,	     1,	   [34] = 0x9c, 0x40, 0x01,	 0xbb, [46] = 0x50, 0x02,
	};

/* Frames of ours that came through: the stack sends others of its own. */
static unsigned int arrived(int fd)
{
	uint8_t buf[FRAME];
	unsigned int n = 0;
	ssize_t len;

	while ((len = recv(fd, buf, sizeof(buf), MSG_DONTWAIT)) >= 0)
		n += len == FRAME && !memcmp(buf + 26, frame + 26, 8);
	return n;
}

static void attach(struct datapath *d)
{
	char why[DATAPATH_WHY];

	if (datapath_attach(d, "sv1", XDP_NATIVE, why) < 0)
		fail_msg("%s", why);
}

static void same_program_is_kept(void **state)
{
	struct datapath *d = *state;
	uint32_t before = 0, after = 0;
	enum datapath_xdp_mode mode;

	attach(d);
	assert_int_equal(datapath_attached(d, "sv1", &before, &mode), 0);
	attach(d);
	assert_int_equal(datapath_attached(d, "sv1", &after, &mode), 0);
	assert_int_equal(after, before);
}

static void frames_pass_without_a_program(void **state)
{
	int fd = packet_socket("sv0"), tap = packet_socket("sv1");
	char why[DATAPATH_WHY];

	assert_int_equal(datapath_detach(*state, "sv1", why), 0);
	assert_int_equal(datapath_detach(*state, "sv1", why), -ENOENT);
	for (int i = 0; i < 100; i++)
		assert_int_equal(send(fd, frame, sizeof(frame), 0), sizeof(frame));
	for (int i = 0; i < 100 && !arrived(tap); i++)
		usleep(10000);
	assert_int_equal(send(fd, frame, sizeof(frame), 0), sizeof(frame));
	usleep(100000);
	assert_true(arrived(tap) > 0);
	close(tap);
	close(fd);
}

static int setup(void **state)
{
	if (unshare(CLONE_NEWNET) < 0 || system("ip link add sv0 type veth peer name sv1 && "
						"ip link set sv0 up && ip link set sv1 up") != 0)
		return -1;
	*state = rig_open(PINS);
	return 0;
}

static int teardown(void **state)
{
	rig_close(*state, PINS);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(same_program_is_kept),
		cmocka_unit_test(frames_pass_without_a_program),
	};

	return cmocka_run_group_tests_name("upgrade", tests, setup, teardown);
}
