// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * handshakes: a TLS client that makes every kind of handshake, directly or through a proxy.
 *
 * Jobs are read from a file, one a line:
 *
 *	ID KIND SOURCE SERVER PORT direct|connect|socks [PROXY PORT]
 *
 * KIND is a name of kinds[] below; addresses are IPv4; SOURCE is what the client binds to. Each job
 * is one connection: handshake, one request, the whole response, the end. Its ClientHello carries
 * ID in an extension of our own, so that a capture at the server tells which job a connection
 * belongs to, whatever is in between. What jobs resume is made before by connections with ID 0.
 *
 * Threads with blocking sockets take the jobs; they begin at random at a mean rate, because clients
 * that start together make each other late. Prints a line for each job as it ends:
 *
 *	ID ok PORT CONNECT-US HANDSHAKE-US PROTOCOL resumed|full early|plain
 *	ID failed REASON
 */
#include <arpa/inet.h>
#include <errno.h>
#include <math.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
#include "user/base/cleanup.h"

#define THREADS_MAX 1024
#define STACK_BYTES (256 << 10)
#define TIMEOUT_SEC 20	      /* for any one step; a lost SYN costs one second, then two */
#define MARK_EXTENSION 0xfe5e /* of the range for private use */
#define MARK_BYTES 4	      /* the ID, big-endian */
#define PAD_BYTES 2000	      /* a hello with these needs two segments, as post-quantum ones do */
#define TINY_MSS 200
#define LINE_MAX_BYTES 256
#define REPLY_MAX 4096
#define NSEC_PER_SEC 1000000000LL
#define NSEC_PER_USEC 1000LL

enum via { VIA_DIRECT, VIA_CONNECT, VIA_SOCKS };

struct kind {
	const char *name;
	int version;
	const char *groups; /* the first one gets a key share; the server has no X448 */
	bool resume;
	bool early;
	size_t pad;
	int mss; /* 0: the kernel's */
};

enum { KIND_FULL, KIND_FULL12 };

static const struct kind kinds[] = {
	[KIND_FULL] = { "full", TLS1_3_VERSION, "X25519:P-256", false, false, 0, 0 },
	[KIND_FULL12] = { "full12", TLS1_2_VERSION, "X25519:P-256", false, false, 0, 0 },
	{ "psk", TLS1_3_VERSION, "X25519:P-256", true, false, 0, 0 },
	{ "early", TLS1_3_VERSION, "X25519:P-256", true, true, 0, 0 },
	{ "retry", TLS1_3_VERSION, "X448:P-256", false, false, 0, 0 },
	{ "resumed12", TLS1_2_VERSION, "X25519:P-256", true, false, 0, 0 },
	{ "split", TLS1_3_VERSION, "X25519:P-256", false, false, PAD_BYTES, 0 },
	{ "splitpsk", TLS1_3_VERSION, "X25519:P-256", true, false, PAD_BYTES, 0 },
	{ "splitearly", TLS1_3_VERSION, "X25519:P-256", true, true, PAD_BYTES, 0 },
	{ "splitretry", TLS1_3_VERSION, "X448:P-256", false, false, PAD_BYTES, 0 },
	{ "tiny", TLS1_3_VERSION, "X25519:P-256", false, false, 0, TINY_MSS },
};
#define N_KINDS (sizeof(kinds) / sizeof(*kinds))

struct job {
	uint32_t id;
	const struct kind *kind;
	struct sockaddr_in source, server, proxy;
	enum via via;
};

struct outcome {
	unsigned int port;
	int64_t connect_us, handshake_us;
	const char *protocol;
	bool resumed, early;
	const char *reason; /* of a failure */
};

struct work {
	SSL_CTX *tls;
	FILE *jobs;
	double rate;
	pthread_mutex_t lock;	  /* of what follows */
	int64_t next_ns;	  /* when the next job begins */
	bool bad;		  /* a line was not understood */
	SSL_SESSION *sessions[2]; /* of TLS 1.2 and 1.3, made before the threads */
};

static int64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}

static int64_t since_us(int64_t then_ns)
{
	return (now_ns() - then_ns) / NSEC_PER_USEC;
}

static void ssl_freep(SSL **ssl)
{
	SSL_free(*ssl);
}

static void session_freep(SSL_SESSION **session)
{
	SSL_SESSION_free(*session);
}

/* ---- TCP, and the way through a proxy ---- */

static int dial(const struct sockaddr_in *source, const struct sockaddr_in *to, int mss)
{
	_cleanup_(closep) int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct timeval limit = { .tv_sec = TIMEOUT_SEC };
	int on = 1;

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (mss && setsockopt(fd, IPPROTO_TCP, TCP_MAXSEG, &mss, sizeof(mss)) < 0)
		return -errno;
	if (bind(fd, (const struct sockaddr *)source, sizeof(*source)) < 0 ||
	    connect(fd, (const struct sockaddr *)to, sizeof(*to)) < 0)
		return -errno;
	return take_fd(fd);
}

static int send_all(int fd, const void *data, size_t len)
{
	return send(fd, data, len, MSG_NOSIGNAL) == (ssize_t)len ? 0 : -EIO;
}

static int receive_all(int fd, void *data, size_t len)
{
	return recv(fd, data, len, MSG_WAITALL) == (ssize_t)len ? 0 : -EIO;
}

static int ask_connect(int fd, const struct sockaddr_in *to)
{
	char text[REPLY_MAX], addr[INET_ADDRSTRLEN];
	size_t len = 0;

	inet_ntop(AF_INET, &to->sin_addr, addr, sizeof(addr));
	snprintf(text, sizeof(text), "CONNECT %s:%u HTTP/1.1\r\nHost: %s\r\n\r\n", addr,
		 ntohs(to->sin_port), addr);
	if (send_all(fd, text, strlen(text)) < 0)
		return -EIO;
	do {
		if (len == sizeof(text) - 1 || receive_all(fd, text + len, 1) < 0)
			return -EIO;
		text[++len] = '\0';
	} while (len < 4 || strcmp(text + len - 4, "\r\n\r\n") != 0);
	return strstr(text, " 200 ") ? 0 : -ECONNREFUSED;
}

/* RFC 1928: no authentication, CONNECT to an IPv4 address. */
static int ask_socks(int fd, const struct sockaddr_in *to)
{
	uint8_t request[10] = { 5, 1, 0, 1 }, reply[10];

	memcpy(request + 4, &to->sin_addr, 4);
	memcpy(request + 8, &to->sin_port, 2);
	if (send_all(fd, "\5\1\0", 3) < 0 || receive_all(fd, reply, 2) < 0 || reply[1])
		return -EIO;
	if (send_all(fd, request, sizeof(request)) < 0 || receive_all(fd, reply, 10) < 0)
		return -EIO;
	return reply[1] ? -ECONNREFUSED : 0;
}

static int reach(const struct job *job, struct outcome *out)
{
	const struct sockaddr_in *to = job->via == VIA_DIRECT ? &job->server : &job->proxy;
	_cleanup_(closep) int fd = -1;
	struct sockaddr_in own = {};
	socklen_t len = sizeof(own);
	int64_t began = now_ns();
	int r = 0;

	fd = dial(&job->source, to, job->kind->mss);
	if (fd < 0)
		return fd;
	out->connect_us = since_us(began);
	if (getsockname(fd, (struct sockaddr *)&own, &len) == 0)
		out->port = ntohs(own.sin_port);
	if (job->via == VIA_CONNECT)
		r = ask_connect(fd, &job->server);
	else if (job->via == VIA_SOCKS)
		r = ask_socks(fd, &job->server);
	return r < 0 ? r : take_fd(fd);
}

/* ---- TLS ---- */

static int add_mark(SSL *ssl, unsigned int type, unsigned int context, const unsigned char **out,
		    size_t *len, X509 *x, size_t chain, int *alert, void *arg)
{
	const struct job *job = SSL_get_app_data(ssl);
	unsigned char *mark = calloc(1, MARK_BYTES + PAD_BYTES);
	uint32_t id = htonl(job->id);

	(void)type, (void)context, (void)x, (void)chain, (void)alert, (void)arg;
	if (!mark)
		return -1;
	memcpy(mark, &id, MARK_BYTES);
	*out = mark;
	*len = MARK_BYTES + job->kind->pad;
	return 1;
}

static void free_mark(SSL *ssl, unsigned int type, unsigned int context, const unsigned char *out,
		      void *arg)
{
	(void)ssl, (void)type, (void)context, (void)arg;
	free((void *)out);
}

static SSL_CTX *new_tls(void)
{
	SSL_CTX *tls = SSL_CTX_new(TLS_client_method());

	if (tls && !SSL_CTX_add_custom_ext(tls, MARK_EXTENSION, SSL_EXT_CLIENT_HELLO, add_mark,
					   free_mark, NULL, NULL, NULL)) {
		SSL_CTX_free(tls);
		return NULL;
	}
	return tls;
}

static SSL *new_ssl(SSL_CTX *tls, const struct job *job, int fd)
{
	_cleanup_(ssl_freep) SSL *ssl = SSL_new(tls);

	if (!ssl)
		return NULL;
	SSL_set_app_data(ssl, (char *)job);
	if (!SSL_set_min_proto_version(ssl, job->kind->version) ||
	    !SSL_set_max_proto_version(ssl, job->kind->version) ||
	    !SSL_set1_groups_list(ssl, job->kind->groups) || !SSL_set_fd(ssl, fd) ||
	    !SSL_set_tlsext_host_name(ssl, "api.example"))
		return NULL;
	return take_ptr(ssl);
}

static const char request[] = "GET / HTTP/1.1\r\nHost: api.example\r\nUser-Agent: handshakes\r\n"
			      "\r\n";

/* Reads a response up to the end of its body. */
static bool read_response(SSL *ssl)
{
	char text[REPLY_MAX];
	size_t len = 0, n;

	while (len < sizeof(text) - 1 && SSL_read_ex(ssl, text + len, sizeof(text) - 1 - len, &n)) {
		const char *body, *size;

		len += n;
		text[len] = '\0';
		body = strstr(text, "\r\n\r\n");
		size = strcasestr(text, "\nContent-Length:");
		if (body && size && size < body)
			if (text + len - (body + 4) >= strtol(strchr(size, ':') + 1, NULL, 10))
				return true;
	}
	return false;
}

/* Handshake, request, response, end. Returns NULL, or what went wrong. */
static const char *converse(SSL *ssl, const struct job *job, struct outcome *out)
{
	int64_t began = now_ns();
	size_t n;

	if (job->kind->early && !SSL_write_early_data(ssl, request, strlen(request), &n))
		return "early data";
	if (SSL_connect(ssl) != 1)
		return "handshake";
	out->handshake_us = since_us(began);
	out->protocol = SSL_get_version(ssl);
	out->resumed = SSL_session_reused(ssl);
	out->early = SSL_get_early_data_status(ssl) == SSL_EARLY_DATA_ACCEPTED;
	if (!out->early && !SSL_write_ex(ssl, request, strlen(request), &n))
		return "request";
	if (!read_response(ssl))
		return "no response";
	if (out->resumed != job->kind->resume || out->early != job->kind->early)
		return out->resumed ? "early data refused" : "not resumed";
	SSL_shutdown(ssl);
	return NULL;
}

/* One connection. With `ret` its session is kept for later ones. */
static int run_job(struct work *work, const struct job *job, SSL_SESSION *session,
		   struct outcome *out, SSL_SESSION **ret)
{
	_cleanup_(ssl_freep) SSL *ssl = NULL;
	_cleanup_(closep) int fd = -1;

	fd = reach(job, out);
	if (fd < 0) {
		out->reason = strerrordesc_np(-fd);
		return fd;
	}
	ssl = new_ssl(work->tls, job, fd);
	if (!ssl || (session && !SSL_set_session(ssl, session))) {
		out->reason = "set-up";
		return -ENOMEM;
	}
	out->reason = converse(ssl, job, out);
	ERR_clear_error();
	if (out->reason)
		return -EPROTO;
	if (ret)
		*ret = SSL_get1_session(ssl);
	return 0;
}

/* ---- jobs ---- */

static bool parse_address(const char *addr, unsigned int port, struct sockaddr_in *ret)
{
	ret->sin_family = AF_INET;
	ret->sin_port = htons(port);
	return port <= 65535 && inet_pton(AF_INET, addr, &ret->sin_addr) == 1;
}

static bool parse_job(const char *line, struct job *ret)
{
	char kind[16], source[16], server[16], via[16], proxy[16] = "0.0.0.0";
	unsigned int port, proxy_port = 0;
	int n = sscanf(line, "%u %15s %15s %15s %u %15s %15s %u", &ret->id, kind, source, server,
		       &port, via, proxy, &proxy_port);

	if (n != 6 && n != 8)
		return false;
	for (size_t i = 0; i < N_KINDS; i++)
		if (!strcmp(kinds[i].name, kind))
			ret->kind = &kinds[i];
	if (!strcmp(via, "connect"))
		ret->via = VIA_CONNECT;
	else if (!strcmp(via, "socks"))
		ret->via = VIA_SOCKS;
	else if (strcmp(via, "direct") != 0)
		return false;
	return ret->kind && (ret->via == VIA_DIRECT) == (n == 6) &&
	       parse_address(source, 0, &ret->source) &&
	       parse_address(server, port, &ret->server) &&
	       parse_address(proxy, proxy_port, &ret->proxy);
}

static SSL_SESSION **find_session(struct work *work, const struct kind *kind)
{
	return &work->sessions[kind->version == TLS1_3_VERSION];
}

/* Makes the sessions that jobs will resume, each on the way of the first job that does. */
static void make_sessions(struct work *work)
{
	char line[LINE_MAX_BYTES];

	while (fgets(line, sizeof(line), work->jobs)) {
		struct job job = {};
		struct outcome out = {};
		SSL_SESSION **session;

		if (!parse_job(line, &job) || !job.kind->resume)
			continue;
		session = find_session(work, job.kind);
		if (*session)
			continue;
		job.id = 0;
		job.kind = &kinds[job.kind->version == TLS1_3_VERSION ? KIND_FULL : KIND_FULL12];
		run_job(work, &job, NULL, &out, session);
	}
	rewind(work->jobs);
}

static void do_job(struct work *work, const struct job *job)
{
	_cleanup_(session_freep) SSL_SESSION *session = NULL;
	struct outcome out = {};
	int r = -ENODATA;

	if (job->kind->resume && *find_session(work, job->kind))
		session = SSL_SESSION_dup(*find_session(work, job->kind));
	if (session || !job->kind->resume)
		r = run_job(work, job, session, &out, NULL);
	if (r < 0)
		printf("%u failed %s\n", job->id, out.reason ? out.reason : "no session");
	else
		printf("%u ok %u %lld %lld %s %s %s\n", job->id, out.port,
		       (long long)out.connect_us, (long long)out.handshake_us, out.protocol,
		       out.resumed ? "resumed" : "full", out.early ? "early" : "plain");
}

/* ---- threads ---- */

/* The next job, and when it is to begin. */
static bool take_job(struct work *work, struct job *ret, int64_t *begin_ns)
{
	char line[LINE_MAX_BYTES];
	bool found = false;

	pthread_mutex_lock(&work->lock);
	if (!work->bad && fgets(line, sizeof(line), work->jobs)) {
		found = parse_job(line, ret);
		work->bad = !found;
		if (work->next_ns < now_ns() - NSEC_PER_SEC)
			work->next_ns = now_ns(); /* no bursts to catch up */
		*begin_ns = work->next_ns;
		work->next_ns += (int64_t)(-log(1.0 - drand48()) / work->rate * NSEC_PER_SEC);
		if (work->bad)
			fprintf(stderr, "handshakes: not a job: %s", line);
	}
	pthread_mutex_unlock(&work->lock);
	return found;
}

static void *work_on(void *arg)
{
	struct work *work = arg;
	struct job job = {};
	int64_t begin_ns;

	prctl(PR_SET_TIMERSLACK, 1);
	while (take_job(work, &job, &begin_ns)) {
		struct timespec ts = { begin_ns / NSEC_PER_SEC, begin_ns % NSEC_PER_SEC };

		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL);
		do_job(work, &job);
		job = (struct job){};
	}
	return NULL;
}

static int run(struct work *work, unsigned int n_threads)
{
	pthread_t threads[THREADS_MAX];
	pthread_attr_t attr;
	unsigned int n = 0;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	while (n < n_threads && pthread_create(&threads[n], &attr, work_on, work) == 0)
		n++;
	pthread_attr_destroy(&attr);
	for (unsigned int i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
	return n && !work->bad ? 0 : -EINVAL;
}

int main(int argc, char **argv)
{
	static struct work work = { .lock = PTHREAD_MUTEX_INITIALIZER };
	unsigned long n_threads = argc == 4 ? strtoul(argv[3], NULL, 10) : 0;
	_cleanup_(fclosep) FILE *jobs = NULL;
	int r;

	work.rate = argc == 4 ? strtod(argv[2], NULL) : 0;
	if (work.rate <= 0 || !n_threads || n_threads > THREADS_MAX) {
		fprintf(stderr, "usage: handshakes JOBS RATE THREADS\n");
		return 2;
	}
	jobs = fopen(argv[1], "re");
	work.tls = new_tls();
	if (!jobs || !work.tls) {
		fprintf(stderr, "handshakes: %s: %s\n", argv[1], jobs ? "no TLS" : strerror(errno));
		return 1;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	work.jobs = jobs;
	make_sessions(&work);
	work.next_ns = now_ns();
	r = run(&work, n_threads);
	SSL_SESSION_free(work.sessions[0]);
	SSL_SESSION_free(work.sessions[1]);
	SSL_CTX_free(work.tls);
	return r < 0;
}
