// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * proof = socket: only connections that the kernel itself has established leave a trace. The
 * sockets are real, on the loopback of a network namespace of this test's own; the packets that the
 * program sees are made up, with the sockets' addresses and ports.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include "tests/bpf/ring.h"
#include "user/base/cleanup.h"

#define PORT 443
#define RTT (20 * MS)

/* A connection as the kernel has it, and the client's packets. */
struct pair {
	int listener, client, server;
	struct talk talk;
};

static socklen_t address(bool v6, struct sockaddr_storage *ret)
{
	memset(ret, 0, sizeof(*ret));
	if (v6) {
		*(struct sockaddr_in6 *)ret = (struct sockaddr_in6){ .sin6_family = AF_INET6,
								     .sin6_port = htons(PORT),
								     .sin6_addr.s6_addr[15] = 1 };
		return sizeof(struct sockaddr_in6);
	}
	*(struct sockaddr_in *)ret = (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_port = htons(PORT),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	return sizeof(struct sockaddr_in);
}

static void set(int fd, int level, int option, int value)
{
	assert_int_equal(setsockopt(fd, level, option, &value, sizeof(value)), 0);
}

/* Listens, and opens the client's socket with a port of its own; nothing is sent yet. */
static struct pair pair_new(bool v6, bool defer)
{
	struct sockaddr_storage a;
	socklen_t len = address(v6, &a);
	struct pair p = { .server = -1 };
	uint16_t port;

	p.listener = socket(a.ss_family, SOCK_STREAM, 0);
	p.client = socket(a.ss_family, SOCK_STREAM, 0);
	set(p.listener, SOL_SOCKET, SO_REUSEADDR, 1);
	if (defer)
		set(p.listener, IPPROTO_TCP, TCP_DEFER_ACCEPT, 5);
	assert_int_equal(bind(p.listener, (struct sockaddr *)&a, len), 0);
	assert_int_equal(listen(p.listener, 5), 0);

	((struct sockaddr_in *)&a)->sin_port = 0; /* at the same place in both families */
	assert_int_equal(bind(p.client, (struct sockaddr *)&a, len), 0);
	assert_int_equal(getsockname(p.client, (struct sockaddr *)&a, &len), 0);
	port = ntohs(((struct sockaddr_in *)&a)->sin_port);
	p.talk = talk_new(bed, v6 ? "::1" : "127.0.0.1", port);
	p.talk.shape.dst = p.talk.shape.src;
	return p;
}

static void pair_connect(struct pair *p)
{
	struct sockaddr_storage a;
	socklen_t len = address(strchr(p->talk.shape.src, ':'), &a);

	assert_int_equal(connect(p->client, (struct sockaddr *)&a, len), 0);
}

static void pair_accept(struct pair *p)
{
	p->server = accept(p->listener, NULL, NULL);
	assert_true(p->server >= 0);
}

static void pair_close(struct pair *p)
{
	closep(&p->client);
	closep(&p->server);
	closep(&p->listener);
}

static void test_established(void **state)
{
	_cleanup_(pair_close) struct pair p = pair_new(*state != NULL, false);

	pair_connect(&p);
	talk_open(&p.talk, RTT, 300, 517);
	talk_finish(&p.talk, RTT + 2 * MS);
	talk_data(&p.talk, 900);
	assert_int_equal(stats().flow_new, 1);
	assert_int_equal(stats().proof_failed, 0);
	assert_int_equal(flow().rtt_us, RTT);
	assert_int_equal(source(p.talk.shape.src).gap_none, 1);
	assert_int_equal(source(p.talk.shape.src).requests, 1);
}

static void assert_no_trace(void)
{
	assert_int_equal(stats().flow_new, 0);
	assert_int_equal(bed_count(bed, "seine_src"), 0);
	assert_int_equal(bed_count(bed, "seine_net"), 0);
}

/* A whole forged connection, to a port where somebody listens. */
static void test_forged(void **state)
{
	_cleanup_(pair_close) struct pair p = pair_new(*state != NULL, false);

	for (int i = 0; i < 1000; i++) {
		p.talk.shape.sport = 1024 + i;
		talk_open(&p.talk, RTT, 300, 517);
		talk_data(&p.talk, 900);
	}
	assert_no_trace();
	assert_int_equal(stats().proof_failed, 2000);
}

static void test_nobody_listens(void **state)
{
	struct talk t = talk_new(bed, "127.0.0.1", 40000);

	(void)state;
	t.shape.dst = t.shape.src;
	talk_open(&t, RTT, 300, 517);
	assert_no_trace();
}

/* Open before the program was: no handshake, no hello, but requests. */
static void test_picked_up(void **state)
{
	_cleanup_(pair_close) struct pair p = pair_new(false, false);
	struct seine_source s;

	(void)state;
	pair_connect(&p);
	for (int i = 0; i < 3; i++) {
		talk_data(&p.talk, 900);
		talk_served(&p.talk, 4000);
		talk_wait(&p.talk, SEC);
		talk_ack(&p.talk);
	}
	s = source("127.0.0.1");
	assert_int_equal(stats().flow_pickup, 1);
	assert_true(flow().flags & SEINE_F_NO_HANDSHAKE);
	assert_int_equal(s.connections, 1);
	assert_int_equal(s.handshakes, 0);
	assert_int_equal(s.requests, 3);
	assert_int_equal(s.gap_unknown + s.gap_none + s.gap_single + s.gap_dual, 0);
}

/* The listener defers accept: until data has come, the kernel has no established socket. What the
 * hello showed is kept until then, and nothing else is. */
static void test_deferred(void **state)
{
	const uint32_t *hello = *state;
	_cleanup_(pair_close) struct pair p = pair_new(false, true);
	struct seine_half half;
	struct seine_source s;

	pair_connect(&p);
	talk_open(&p.talk, RTT, 300, *hello);
	assert_no_trace();
	assert_int_equal(stats().proof_deferred, *hello > 1448 ? 2 : 1);
	assert_true(bed_half(bed, &half));
	assert_true(half.hello_key);

	assert_int_equal(send(p.client, "hello", 5, 0), 5);
	pair_accept(&p);
	talk_finish(&p.talk, RTT + 2 * MS);
	talk_data(&p.talk, 900);
	s = source("127.0.0.1");
	assert_int_equal(s.connections, 1);
	assert_int_equal(s.handshakes, 1);
	assert_int_equal(s.gap_none, 1);
	assert_int_equal(s.requests, 1);
	assert_int_equal(s.hello_key, half.hello_key);
	assert_int_equal(shake().hello_key, half.hello_key);
	assert_int_equal(flow().rtt_us, RTT);
	assert_int_equal(shake().g1_us, 300);
	assert_int_equal(shake().delta_us, 2 * MS);
	assert_int_equal(stats().hello, 1);
	assert_int_equal(stats().hello_bad, 0);
	assert_false(bed_half(bed, &half));
}

/* What is copied before the connection is proven is marked, and a piece without bytes takes that
 * back; of a connection that never is proven nothing does. */
static void test_deferred_pieces(void **state)
{
	const uint32_t *bytes = *state;
	_cleanup_(pair_close) struct pair p = pair_new(false, true);
	uint32_t n = *bytes > 1448 ? 2 : 1;
	struct talk forged = p.talk;

	pair_connect(&p);
	talk_open(&p.talk, RTT, 300, *bytes);
	ring_read();
	assert_int_equal(ring.segments, n);
	for (uint32_t i = 0; i < n; i++) {
		assert_true(ring.segment[i].flags & SEINE_F_UNPROVEN);
		assert_true(ring.segment[i].len);
	}
	assert_int_equal(send(p.client, "hello", 5, 0), 5);
	pair_accept(&p);
	talk_finish(&p.talk, RTT + 2 * MS);
	ring_read();
	assert_int_equal(ring.segments, n + 1);
	assert_int_equal(ring.segment[n].len, 0);
	assert_int_equal(ring.segment[n].tag, ring.segment[0].tag);
	assert_false(ring.segment[n].flags & SEINE_F_UNPROVEN);
	assert_memory_equal(ring.segment[n].source.ip, ring.segment[0].source.ip, 16);

	forged.shape.sport ^= 0x100;
	talk_open(&forged, RTT, 300, *bytes);
	ring_read();
	assert_int_equal(ring.segments, n + 1);
}

/* Only the first half of the hello came too early. */
static void test_half_deferred(void **state)
{
	static uint8_t hello[WIRE_MAX];
	_cleanup_(pair_close) struct pair p = pair_new(false, true);
	uint32_t len;

	(void)state;
	p.talk.hello.bytes = 1800;
	len = tls_hello(&p.talk.hello, hello);
	pair_connect(&p);
	talk_syn(&p.talk);
	talk_wait(&p.talk, RTT);
	talk_ack(&p.talk);
	talk_send(&p.talk, hello, 1448, 1448);
	assert_int_equal(send(p.client, "hello", 5, 0), 5);
	pair_accept(&p);
	talk_wait(&p.talk, 100);
	talk_send(&p.talk, hello + 1448, len - 1448, 1448);
	talk_finish(&p.talk, RTT + 2 * MS);
	assert_int_equal(shake().g1_us, 0);
	assert_int_equal(shake().delta_us, 2 * MS);
	assert_true(flow().flags & SEINE_F_HELLO_SPLIT);
	assert_int_equal(source("127.0.0.1").gap_none, 1);
}

/* The server has closed and the client has not: still a connection. Both have: none any more. */
static void test_closing(void **state)
{
	_cleanup_(pair_close) struct pair p = pair_new(false, false);

	(void)state;
	pair_connect(&p);
	pair_accept(&p);
	talk_syn(&p.talk);
	talk_wait(&p.talk, RTT);
	talk_ack(&p.talk);
	shutdown(p.client, SHUT_WR);
	talk_hello(&p.talk, 517);
	assert_int_equal(stats().flow_new, 1);

	closep(&p.server);
	closep(&p.client);
	bed_reset(bed);
	bed_configure(bed, &(struct seine_cfg){ .proof = SEINE_PROOF_SOCKET,
						.flows_per_sec = 9,
						.syns_per_sec = 9 });
	p.talk.seq = 1000000;
	talk_open(&p.talk, RTT, 300, 517);
	assert_no_trace();
}

/* While the kernel has the connection, a SYN for the same ports is a forgery and changes nothing;
 * once it has not, the SYN begins a new one. */
static void test_same_ports(void **state)
{
	_cleanup_(pair_close) struct pair p = pair_new(false, false);
	struct talk forged;
	uint64_t key;

	(void)state;
	pair_connect(&p);
	talk_open(&p.talk, RTT, 300, 517);
	talk_finish(&p.talk, RTT + 2 * MS);
	key = shake().hello_key;

	forged = p.talk;
	forged.seq = 0x90000000;
	forged.hello.stack = STACK_GO;
	talk_open(&forged, 50 * MS, 300, 517);
	assert_int_equal(source("127.0.0.1").connections, 1);
	assert_int_equal(source("127.0.0.1").hello_key, key);
	assert_int_equal(shake().hello_key, key);
	talk_data(&p.talk, 900);
	assert_int_equal(source("127.0.0.1").requests, 1);

	setsockopt(p.client, SOL_SOCKET, SO_LINGER, &(struct linger){ 1, 0 },
		   sizeof(struct linger));
	closep(&p.client);
	forged.seq = 0xa0000000;
	talk_syn(&forged);
	assert_int_equal(source("127.0.0.1").open, 0);
	assert_false(bed_flow(bed, &(struct seine_flow){ 0 }));
}

/* The last data comes once more, behind the FIN: it is not a connection picked up. */
static void test_fin_again(void **state)
{
	static uint8_t record[WIRE_MAX];
	_cleanup_(pair_close) struct pair p = pair_new(false, false);
	uint32_t len = tls_append(record, 0, TLS_23, 0xa5, 300);

	(void)state;
	pair_connect(&p);
	talk_open(&p.talk, RTT, 300, 517);
	talk_finish(&p.talk, RTT);
	talk_send(&p.talk, record, len, 1448);
	talk_flags(&p.talk, TH_FIN | TH_ACK);
	talk_again(&p.talk, record, len, len);
	talk_flags(&p.talk, TH_FIN | TH_ACK);
	assert_int_equal(source("127.0.0.1").connections, 1);
	assert_int_equal(source("127.0.0.1").requests, 1);
	assert_int_equal(stats().flow_pickup, 0);

	/* What is new behind a reset that the kernel did not believe is a connection again. */
	talk_send(&p.talk, record, len, 1448);
	assert_int_equal(stats().flow_pickup, 1);
}

/* ---- Set-up ---- */

static int own_network(void)
{
	struct ifreq lo = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	_cleanup_(closep) int fd = -1;

	if (unshare(CLONE_NEWNET))
		return -errno;
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	return fd < 0 || ioctl(fd, SIOCSIFFLAGS, &lo) ? -errno : 0;
}

static int open_bed(void **state)
{
	int r = own_network();

	return r ? r : ring_open(state);
}

static int reset(void **state)
{
	struct seine_cfg cfg;

	ring_empty(state);
	cfg = settings();
	cfg.proof = SEINE_PROOF_SOCKET;
	bed_configure(bed, &cfg);
	return 0;
}

#define TEST(name, f, with) ((struct CMUnitTest){ name, f, reset, stage_audit, with })

int main(void)
{
	static uint32_t whole = 517, split = 1800;
	const struct CMUnitTest tests[] = {
		TEST("established socket, IPv4", test_established, NULL),
		TEST("established socket, IPv6", test_established, &whole),
		TEST("forged connections, IPv4", test_forged, NULL),
		TEST("forged connections, IPv6", test_forged, &whole),
		TEST("nobody listens", test_nobody_listens, NULL),
		TEST("picked up in the middle", test_picked_up, NULL),
		TEST("deferred accept: the hello is kept", test_deferred, &whole),
		TEST("deferred accept: both halves of a hello are kept", test_deferred, &split),
		TEST("deferred accept: a hello's piece", test_deferred_pieces, &whole),
		TEST("deferred accept: a hello's pieces", test_deferred_pieces, &split),
		TEST("deferred accept: half of a hello is kept", test_half_deferred, NULL),
		TEST("closed on one side, and on both", test_closing, NULL),
		TEST("same ports, forged and real", test_same_ports, NULL),
		TEST("data again behind the FIN", test_fin_again, NULL),
	};

	return cmocka_run_group_tests(tests, open_bed, ring_close);
}
