// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * delay: links with a known delay between network namespaces.
 *
 * A link is a pair of TUN devices, one in each namespace. What the kernel sends into one end is
 * written out at the other end one way time later. The one way time is that of the path the packet
 * belongs to: the first path of the link whose prefix holds the address at the far end (B), so that
 * one link stands for many access lines of different length. Packets of one path and direction
 * never overtake each other.
 *
 * Works where the kernel has no delay queueing discipline, and adds less than 0.1 ms of its own on
 * an idle machine. Runs with real-time priority where allowed, because its lateness would be
 * measured as network delay.
 *
 * The plan is read from a file, one item a line, '#' starts a comment:
 *
 *	link NETNS-A DEVICE-A NETNS-B DEVICE-B
 *	path PREFIX ONE-WAY-US [JITTER-US [LOSS-PERCENT]]	belongs to the link above
 *
 * Jitter is exponential with this mean; loss falls on each packet by itself, in both directions.
 *
 * Prints "ready" once all devices exist (down and without addresses), and runs until it is ended;
 * the devices go with it.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <math.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>
#include "user/base/cleanup.h"

#define LINKS_MAX 16
#define PATHS_MAX 512	 /* per link */
#define QUEUED_MAX 65536 /* packets under way on all links; a full line drops, as real ones do */
#define READ_BURST 64	 /* packets taken from a device before the clock is looked at again */
#define PACKET_MAX 65536
#define NETNS_NAME_MAX 128
#define NSEC_PER_SEC 1000000000ULL
#define NSEC_PER_USEC 1000ULL

enum end { END_A, END_B };

struct packet {
	struct packet *next;
	uint64_t due_ns;
	size_t len;
	uint8_t data[];
};

/* One direction of one path: first in, first out, so that the head is always due first. */
struct lane {
	struct packet *head;
	struct packet *tail;
	uint64_t last_due_ns;
};

struct path {
	uint8_t prefix[16]; /* IPv4 as ::ffff:a.b.c.d */
	unsigned int bits;
	uint64_t oneway_ns;
	uint64_t jitter_ns;
	double loss;	      /* share of the packets */
	struct lane lanes[2]; /* by the end where the packet comes out */
};

struct link {
	int fds[2];
	struct path *paths;
	size_t n_paths;
};

struct world {
	struct link links[LINKS_MAX];
	size_t n_links;
	size_t queued;
};

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}

static void map_ipv4(const uint8_t addr[4], uint8_t ret[16])
{
	memset(ret, 0, 10);
	memset(ret + 10, 0xff, 2);
	memcpy(ret + 12, addr, 4);
}

/* The address of the packet at end B: destination on the way there, source on the way back. */
static bool packet_far_addr(const uint8_t *data, size_t len, enum end out, uint8_t ret[16])
{
	if (len >= 20 && data[0] >> 4 == 4) {
		map_ipv4(data + (out == END_B ? 16 : 12), ret);
		return true;
	}
	if (len >= 40 && data[0] >> 4 == 6) {
		memcpy(ret, data + (out == END_B ? 24 : 8), 16);
		return true;
	}
	return false;
}

static bool path_holds(const struct path *path, const uint8_t addr[16])
{
	size_t bytes = path->bits / 8;
	uint8_t mask = 0xff00 >> path->bits % 8;

	if (memcmp(path->prefix, addr, bytes))
		return false;
	return bytes == 16 || !((path->prefix[bytes] ^ addr[bytes]) & mask);
}

static struct path *link_find_path(struct link *link, const uint8_t addr[16])
{
	for (size_t i = 0; i < link->n_paths; i++)
		if (path_holds(&link->paths[i], addr))
			return &link->paths[i];
	return NULL;
}

static uint64_t path_draw_ns(const struct path *path)
{
	if (!path->jitter_ns)
		return path->oneway_ns;
	return path->oneway_ns + (uint64_t)(-log(1.0 - drand48()) * path->jitter_ns);
}

static void lane_push(struct lane *lane, struct packet *packet)
{
	if (packet->due_ns < lane->last_due_ns)
		packet->due_ns = lane->last_due_ns;
	lane->last_due_ns = packet->due_ns;
	if (lane->head)
		lane->tail->next = packet;
	else
		lane->head = packet;
	lane->tail = packet;
}

/* Puts one packet under way. What belongs to no path, finds the line full, or has bad luck, is
 * lost. */
static void link_send(struct world *world, struct link *link, enum end out, const uint8_t *data,
		      size_t len)
{
	struct packet *packet;
	struct path *path;
	uint8_t addr[16];

	if (world->queued >= QUEUED_MAX || !packet_far_addr(data, len, out, addr))
		return;
	path = link_find_path(link, addr);
	if (!path || (path->loss > 0 && drand48() < path->loss))
		return;
	packet = malloc(sizeof(*packet) + len);
	if (!packet)
		return;
	packet->next = NULL;
	packet->due_ns = now_ns() + path_draw_ns(path);
	packet->len = len;
	memcpy(packet->data, data, len);
	lane_push(&path->lanes[out], packet);
	world->queued++;
}

static int link_receive(struct world *world, struct link *link, enum end in)
{
	static uint8_t data[PACKET_MAX];

	for (int i = 0; i < READ_BURST; i++) {
		ssize_t len = read(link->fds[in], data, sizeof(data));

		if (len < 0)
			return errno == EAGAIN || errno == EIO ? 0 : -errno; /* EIO: still down */
		link_send(world, link, in == END_A ? END_B : END_A, data, len);
	}
	return 0;
}

static void lane_deliver(struct world *world, struct lane *lane, int fd, uint64_t now)
{
	while (lane->head && lane->head->due_ns <= now) {
		struct packet *packet = lane->head;

		lane->head = packet->next;
		/* A device that is down loses what is sent through it, like an unplugged line. */
		if (write(fd, packet->data, packet->len) < 0 && errno != EIO)
			fprintf(stderr, "delay: write: %s\n", strerror(errno));
		free(packet);
		world->queued--;
	}
}

/* Delivers what is due and says when the next packet will be; UINT64_MAX when nothing waits. */
static uint64_t world_deliver(struct world *world)
{
	uint64_t next = UINT64_MAX;

	for (size_t i = 0; i < world->n_links; i++) {
		struct link *link = &world->links[i];

		for (size_t j = 0; j < link->n_paths; j++) {
			for (enum end out = END_A; out <= END_B; out++) {
				struct lane *lane = &link->paths[j].lanes[out];

				if (!lane->head)
					continue;
				lane_deliver(world, lane, link->fds[out], now_ns());
				if (lane->head && lane->head->due_ns < next)
					next = lane->head->due_ns;
			}
		}
	}
	return next;
}

static int world_run(struct world *world, int epoll_fd)
{
	struct epoll_event events[2 * LINKS_MAX];

	for (;;) {
		uint64_t next = world_deliver(world), now = now_ns();
		uint64_t wait = next > now ? next - now : 0;
		struct timespec timeout = { wait / NSEC_PER_SEC, wait % NSEC_PER_SEC };
		int n = epoll_pwait2(epoll_fd, events, 2 * LINKS_MAX,
				     next == UINT64_MAX ? NULL : &timeout, NULL);

		if (n < 0 && errno != EINTR)
			return -errno;
		for (int i = 0; i < n; i++) {
			uint64_t id = events[i].data.u64;
			int r = link_receive(world, &world->links[id / 2], id % 2);

			if (r < 0)
				return r;
		}
	}
}

static int world_watch(const struct world *world, int epoll_fd)
{
	for (size_t i = 0; i < world->n_links; i++) {
		for (enum end end = END_A; end <= END_B; end++) {
			struct epoll_event event = { .events = EPOLLIN, .data.u64 = i * 2 + end };
			int fd = world->links[i].fds[end];

			if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0)
				return -errno;
		}
	}
	return 0;
}

#define TUN_MAJOR 10 /* misc devices */
#define TUN_MINOR 200

/* The kernel's TUN driver. A minimal root tree has no node for it; then one lives for a moment. */
static int tun_driver(void)
{
	char node[] = "/tmp/seine-tun-XXXXXX";
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);

	if (fd >= 0 || errno != ENOENT || !mkdtemp(node))
		return fd;
	if (rmdir(node) < 0 || mknod(node, S_IFCHR | 0600, makedev(TUN_MAJOR, TUN_MINOR)) < 0)
		return -1;
	fd = open(node, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	unlink(node);
	return fd;
}

/* Creates a TUN device in the namespace, and leaves the process in that namespace. */
static int tun_open(const char *netns, const char device[IFNAMSIZ], int *ret)
{
	struct ifreq request = { .ifr_flags = IFF_TUN | IFF_NO_PI };
	_cleanup_(closep) int ns_fd = -1;
	_cleanup_(closep) int fd = -1;
	char name[sizeof("/run/netns/") + NETNS_NAME_MAX];

	snprintf(name, sizeof(name), "/run/netns/%.*s", NETNS_NAME_MAX - 1, netns);
	ns_fd = open(name, O_RDONLY | O_CLOEXEC);
	if (ns_fd < 0 || setns(ns_fd, CLONE_NEWNET) < 0)
		return -errno;
	fd = tun_driver();
	if (fd < 0)
		return -errno;
	memcpy(request.ifr_name, device, IFNAMSIZ);
	if (ioctl(fd, TUNSETIFF, &request) < 0)
		return -errno;
	*ret = take_fd(fd);
	return 0;
}

static int parse_link(struct world *world, const char *line)
{
	char netns[2][NETNS_NAME_MAX], device[2][IFNAMSIZ];
	struct link *link;

	if (sscanf(line, "link %127s %15s %127s %15s", netns[0], device[0], netns[1], device[1]) !=
		    4 ||
	    world->n_links == LINKS_MAX)
		return -EINVAL;
	link = &world->links[world->n_links];
	link->paths = calloc(PATHS_MAX, sizeof(*link->paths));
	if (!link->paths)
		return -ENOMEM;
	for (int i = 0; i < 2; i++) {
		int r = tun_open(netns[i], device[i], &link->fds[i]);

		if (r < 0)
			return r;
	}
	world->n_links++;
	return 0;
}

static int parse_prefix(char *text, struct path *path)
{
	char *slash = strchr(text, '/');
	uint8_t ipv4[4];

	if (!slash)
		return -EINVAL;
	*slash = '\0';
	path->bits = atoi(slash + 1);
	if (inet_pton(AF_INET, text, ipv4) == 1) {
		map_ipv4(ipv4, path->prefix);
		path->bits += 96;
	} else if (inet_pton(AF_INET6, text, path->prefix) != 1) {
		return -EINVAL;
	}
	return path->bits <= 128 ? 0 : -EINVAL;
}

static int parse_path(struct world *world, const char *line)
{
	unsigned int oneway_us, jitter_us = 0;
	double loss_percent = 0;
	struct path *path;
	struct link *link;
	char prefix[64];

	if (sscanf(line, "path %63s %u %u %lf", prefix, &oneway_us, &jitter_us, &loss_percent) <
		    2 ||
	    !world->n_links || !(loss_percent >= 0 && loss_percent <= 100))
		return -EINVAL;
	link = &world->links[world->n_links - 1];
	if (link->n_paths == PATHS_MAX)
		return -ENOSPC;
	path = &link->paths[link->n_paths];
	path->oneway_ns = oneway_us * NSEC_PER_USEC;
	path->jitter_ns = jitter_us * NSEC_PER_USEC;
	path->loss = loss_percent / 100;
	link->n_paths++;
	return parse_prefix(prefix, path);
}

static int parse_plan(struct world *world, const char *name)
{
	_cleanup_(fclosep) FILE *file = fopen(name, "re");
	char line[512];

	if (!file)
		return -errno;
	for (int number = 1; fgets(line, sizeof(line), file); number++) {
		int r = 0;

		if (!strncmp(line, "link ", 5))
			r = parse_link(world, line);
		else if (!strncmp(line, "path ", 5))
			r = parse_path(world, line);
		else if (line[0] != '#' && line[0] != '\n')
			r = -EINVAL;
		if (r < 0) {
			fprintf(stderr, "delay: %s:%d: %s\n", name, number, strerror(-r));
			return r;
		}
	}
	return 0;
}

/* Being late is the one thing this program must not be; without the right it still works. */
static void hurry(void)
{
	struct sched_param param = { .sched_priority = 1 };

	prctl(PR_SET_TIMERSLACK, 1);
	if (sched_setscheduler(0, SCHED_FIFO, &param) < 0)
		fprintf(stderr, "delay: no real-time priority: %s\n", strerror(errno));
}

int main(int argc, char **argv)
{
	static struct world world;
	_cleanup_(closep) int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	int r;

	if (argc != 2) {
		fprintf(stderr, "usage: delay PLAN\n");
		return 2;
	}
	if (epoll_fd < 0 || parse_plan(&world, argv[1]) < 0)
		return 1;
	r = world_watch(&world, epoll_fd);
	if (r == 0) {
		hurry();
		puts("ready");
		fflush(stdout);
		r = world_run(&world, epoll_fd);
	}
	fprintf(stderr, "delay: %s\n", strerror(-r));
	return 1;
}
