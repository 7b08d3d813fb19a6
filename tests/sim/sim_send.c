// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Plays a capture into an interface, each frame at its own time after the first.
 *
 *	sim_send INTERFACE CAPTURE
 *
 * Says how late the latest frame was: a stall of the machine is no fault of who receives it.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <pcap/pcap.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include "user/base/cleanup.h"

#define NS_PER_SEC 1000000000ll
#define LATE_NS 5000000 /* frames later than this are counted: a quarter of the least gap */

struct sender {
	int fd;
	int64_t first_ns; /* of the capture */
	int64_t begin_ns; /* of our clock */
	uint64_t sent, late;
	int64_t latest_ns;
};

static int64_t clock_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * NS_PER_SEC + t.tv_nsec;
}

static int open_interface(const char *name, int *ret)
{
	_cleanup_(closep) int fd = socket(AF_PACKET, SOCK_RAW, 0);
	struct sockaddr_ll where = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = (int)if_nametoindex(name),
	};

	if (fd < 0 || !where.sll_ifindex || bind(fd, (void *)&where, sizeof(where)) < 0)
		return -errno;
	*ret = take_fd(fd);
	return 0;
}

static void wait_for(struct sender *s, int64_t ns)
{
	struct timespec t = { ns / NS_PER_SEC, ns % NS_PER_SEC };
	int64_t late;

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR)
		;
	late = clock_ns() - ns;
	s->late += late > LATE_NS;
	if (late > s->latest_ns)
		s->latest_ns = late;
}

/* A full queue of the interface is waited for. */
static int send_frame(struct sender *s, const void *frame, size_t len)
{
	while (send(s->fd, frame, len, 0) < 0)
		if (errno != EINTR && errno != ENOBUFS && errno != EAGAIN)
			return -errno;
	s->sent++;
	return 0;
}

static int play(struct sender *s, pcap_t *capture)
{
	struct pcap_pkthdr *header;
	const unsigned char *frame;
	int r;

	while ((r = pcap_next_ex(capture, &header, &frame)) == 1) {
		int64_t ns = header->ts.tv_sec * NS_PER_SEC + header->ts.tv_usec;

		if (!s->sent) {
			s->first_ns = ns;
			s->begin_ns = clock_ns();
		}
		wait_for(s, s->begin_ns + ns - s->first_ns);
		r = send_frame(s, frame, header->caplen);
		if (r < 0)
			return r;
	}
	return r == PCAP_ERROR_BREAK ? 0 : -EBADMSG;
}

static void pcap_closep(pcap_t **p)
{
	if (*p)
		pcap_close(*p);
}

int main(int argc, char **argv)
{
	_cleanup_(pcap_closep) pcap_t *capture = NULL;
	char why[PCAP_ERRBUF_SIZE];
	struct sender s = { .fd = -1 };
	int r;

	if (argc != 3) {
		fputs("usage: sim_send INTERFACE CAPTURE\n", stderr);
		return 2;
	}
	capture = pcap_open_offline_with_tstamp_precision(argv[2], PCAP_TSTAMP_PRECISION_NANO, why);
	if (!capture) {
		fprintf(stderr, "sim_send: %s\n", why);
		return 1;
	}
	/* The default slack would make all frames late by 50 us. */
	prctl(PR_SET_TIMERSLACK, 1);
	r = open_interface(argv[1], &s.fd);
	if (r == 0)
		r = play(&s, capture);
	if (r < 0)
		fprintf(stderr, "sim_send: %s: %s\n", argv[1], strerror(-r));
	printf("sent=%" PRIu64 " late=%" PRIu64 " latest_us=%" PRId64 "\n", s.sent, s.late,
	       s.latest_ns / 1000);
	return r < 0;
}
