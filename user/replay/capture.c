// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Reading captures with libpcap, through a stream that counts: the offset of what cannot be read is
 * known for pipes, too, and for pcapng, whose blocks libpcap does not show.
 */
#include <errno.h>
#include <linux/limits.h>
#include <pcap/pcap.h>
#include <string.h>
#include <sys/stat.h>
#include "user/base/cleanup.h"
#include "user/base/refuse.h"
#include "user/replay/capture.h"

#define CAPTURE_BUFFER (1 << 20)
#define NS_PER_SEC 1000000000ull

struct capture {
	FILE *from;
	FILE *counted;	 /* over it; belongs to libpcap */
	uint64_t taken;	 /* from `from`; libpcap has not seen all of it yet */
	uint64_t offset; /* of what comes next */
	uint64_t size;
	pcap_t *pcap;
	int link;
	char name[PATH_MAX];
	struct link_room room;
};

static ssize_t counted_read(void *arg, char *buf, size_t size)
{
	struct capture *c = arg;
	size_t n = fread(buf, 1, size, c->from);

	c->taken += n;
	return !n && ferror(c->from) ? -1 : (ssize_t)n;
}

/* Only for ftello(), which takes off what has been read ahead. */
static int counted_seek(void *arg, off64_t *offset, int whence)
{
	const struct capture *c = arg;

	if (whence != SEEK_CUR || *offset)
		return -1;
	*offset = (off64_t)c->taken;
	return 0;
}

void capture_close(struct capture *c)
{
	if (!c)
		return;
	if (c->pcap)
		pcap_close(c->pcap);
	fclosep(&c->from);
	free(c);
}

void capture_closep(struct capture **c)
{
	capture_close(*c);
	*c = NULL;
}

/* libpcap's words, with the place. */
static int bad(const struct capture *c, uint64_t offset, const char *reason, char *why)
{
	(void)refuse(why, CAPTURE_WHY, "%s: offset %llu: %s", c->name, (unsigned long long)offset,
		     reason);
	return -EBADMSG;
}

static int check_file(struct capture *c, char *why)
{
	struct stat st;
	int fd = fileno(c->from);

	if (fd < 0 || fstat(fd, &st) < 0)
		return 0;
	if (S_ISDIR(st.st_mode)) {
		(void)refuse(why, CAPTURE_WHY, "%s: is a directory", c->name);
		return -EISDIR;
	}
	if (S_ISREG(st.st_mode) && !st.st_size) {
		(void)refuse(why, CAPTURE_WHY, "%s: is empty", c->name);
		return -EBADMSG;
	}
	c->size = S_ISREG(st.st_mode) ? (uint64_t)st.st_size : 0;
	return 0;
}

static int open_pcap(struct capture *c, char *why)
{
	static const cookie_io_functions_t functions = { .read = counted_read,
							 .seek = counted_seek };
	char reason[PCAP_ERRBUF_SIZE] = "";

	c->counted = fopencookie(c, "r", functions);
	if (!c->counted)
		return -ENOMEM;
	setvbuf(c->counted, NULL, _IOFBF, CAPTURE_BUFFER);
	c->pcap = pcap_fopen_offline_with_tstamp_precision(c->counted, PCAP_TSTAMP_PRECISION_NANO,
							   reason);
	if (!c->pcap) {
		fclose(c->counted);
		if (!c->taken)
			(void)snprintf(reason, sizeof(reason), "is empty");
		return bad(c, 0, reason, why);
	}
	return 0;
}

static int check_link(struct capture *c, char *why)
{
	const char *name;

	c->link = pcap_datalink(c->pcap);
	if (link_known(c->link))
		return 0;
	name = pcap_datalink_val_to_name(c->link);
	(void)refuse(why, CAPTURE_WHY,
		     "%s: link type %d (%s) is none of Ethernet, raw IP, Linux cooked, loopback",
		     c->name, c->link, name ? name : "unknown");
	return -EBADMSG;
}

int capture_open_stream(FILE *from, const char *name, char *why, struct capture **ret)
{
	_cleanup_(capture_closep) struct capture *c = calloc(1, sizeof(*c));
	int r;

	if (!c) {
		fclose(from);
		return -ENOMEM;
	}
	c->from = from;
	(void)snprintf(c->name, sizeof(c->name), "%s", name);
	r = check_file(c, why);
	if (r < 0)
		return r;
	setvbuf(c->from, NULL, _IONBF, 0);
	r = open_pcap(c, why);
	if (r < 0)
		return r;
	r = check_link(c, why);
	if (r < 0)
		return r;
	*ret = take_ptr(c);
	return 0;
}

int capture_open(const char *path, char *why, struct capture **ret)
{
	bool input = strcmp(path, "-") == 0;
	FILE *from = input ? fdopen(dup(STDIN_FILENO), "r") : fopen(path, "re");
	int r;

	if (from)
		return capture_open_stream(from, input ? "standard input" : path, why, ret);
	r = -errno;
	(void)refuse(why, CAPTURE_WHY, "%s: %s", path, strerror(errno));
	return r;
}

/* Bytes that the packet had and the capture does not have. */
static size_t missing(const struct pcap_pkthdr *head)
{
	return head->len > head->caplen ? head->len - head->caplen : 0;
}

int capture_next(struct capture *c, char *why, struct capture_frame *ret)
{
	struct pcap_pkthdr *head;
	const u_char *packet;
	int r;

	c->offset = (uint64_t)ftello(c->counted);
	r = pcap_next_ex(c->pcap, &head, &packet);

	if (r == PCAP_ERROR_BREAK)
		return 0;
	if (r != 1)
		return bad(c, c->offset, pcap_geterr(c->pcap), why);
	ret->runt = !link_frame(c->link, packet, head->caplen, &c->room, &ret->frame);
	ret->snapped = head->caplen < head->len;
	ret->offloaded = !ret->runt &&
			 link_fill_length(ret->frame.lost + missing(head), &c->room, &ret->frame);
	/* With this precision libpcap puts nanoseconds there. Products of rubbish may wrap. */
	ret->time_ns =
		(int64_t)((uint64_t)head->ts.tv_sec * NS_PER_SEC + (uint64_t)head->ts.tv_usec);
	return 1;
}

uint64_t capture_offset(const struct capture *c)
{
	return c->offset;
}

uint64_t capture_size(const struct capture *c)
{
	return c->size;
}
