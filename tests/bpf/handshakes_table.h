/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Kinds of TLS handshake, as records that a client sends; ways to the client, as measured in the
 * laboratory; and where the server's own time goes. test_handshake.c runs each with each.
 */
#ifndef TESTS_HANDSHAKES_TABLE_H
#define TESTS_HANDSHAKES_TABLE_H

#include <stdbool.h>
#include <stdint.h>
#include "bpf/seine.h"
#include "tests/bpf/packet.h"

/*
 * What a client's flight is made of, a letter each: "cf" is ChangeCipherSpec and Finished. '|' ends
 * a segment; at '~' the server answers once more, and a round trip passes.
 */
struct record {
	uint8_t type, first;
	uint16_t len;
};

static const struct record records[128] = {
	['c'] = { TLS_CCS, 1, 1 },	 ['f'] = { TLS_23, 0xa5, 53 }, /* Finished, TLS 1.3 */
	['F'] = { TLS_23, 0xa5, 69 },				       /* the same with SHA-384 */
	['C'] = { TLS_23, 0xa5, 3000 },	 /* certificate and Finished in one record */
	['d'] = { TLS_23, 0xa5, 400 },	 /* 0-RTT data */
	['u'] = { TLS_23, 0xa5, 16000 }, /* more of it */
	['e'] = { TLS_23, 0xa5, 21 },	 /* EndOfEarlyData */
	['r'] = { TLS_23, 0xa5, 600 },	 /* a request */
	['h'] = { TLS_22, 1, 500 },	 /* second hello; its length is of the record */
	['H'] = { TLS_22, 1, 1700 },	 ['k'] = { TLS_22, 16, 66 }, /* key exchange, TLS 1.2 */
	['K'] = { TLS_22, 11, 1200 },				     /* certificate */
	['t'] = { TLS_22, 0, 40 },				     /* Finished */
};

#define HELLO SEINE_F_HELLO
#define SPLIT SEINE_F_HELLO_SPLIT
#define DONE SEINE_F_FINISHED
#define CHANGE SEINE_F_CCS
#define PSK SEINE_F_PSK
#define ZERO (SEINE_F_PSK | SEINE_F_EARLY)
#define RETRY SEINE_F_RETRY

struct kind {
	const char *name;
	enum seine_tls tls;
	uint32_t flags;
	uint32_t hello, mss;
	uint16_t psk;
	uint16_t server_us; /* the server's own time, at the least */
	const char *early;  /* right behind the hello */
	const char *flight; /* answers the server's */
	uint32_t request;   /* bytes of a request that these hold */
};

static const struct kind kinds[] = {
	{ "TLS 1.3", SEINE_TLS_13, CHANGE | DONE, 517, 1448, 0, 1700, "", "cf", 0 },
	{ "without CCS", SEINE_TLS_13, DONE, 517, 1448, 0, 1700, "", "f", 0 },
	{ "CCS apart", SEINE_TLS_13, CHANGE | DONE, 517, 1448, 0, 1700, "", "c|f", 0 },
	{ "SHA-384", SEINE_TLS_13, CHANGE | DONE, 517, 1448, 0, 1700, "", "cF", 0 },
	{ "request with Finished", SEINE_TLS_13, CHANGE | DONE, 517, 1448, 0, 1700, "", "cfr",
	  605 },
	{ "client certificate", SEINE_TLS_13, CHANGE | DONE, 517, 1448, 0, 2000, "", "cC", 0 },
	{ "hello in two segments", SEINE_TLS_13, SPLIT | CHANGE | DONE, 1800, 1448, 0, 1700, "",
	  "cf", 0 },
	{ "hello in three segments", SEINE_TLS_13, SPLIT | CHANGE | DONE, 1800, 700, 0, 1700, "",
	  "cf", 0 },
	{ "hello in twelve segments", SEINE_TLS_13, SPLIT | CHANGE | DONE, 5000, 450, 0, 1700, "",
	  "cf", 0 },
	{ "PSK", SEINE_TLS_13_PSK, PSK | CHANGE | DONE, 700, 1448, 150, 600, "", "cf", 0 },
	{ "PSK in the second segment", SEINE_TLS_13_PSK, PSK | SPLIT | CHANGE | DONE, 1800, 1448,
	  250, 600, "", "cf", 0 },
	{ "PSK in the last of twelve", SEINE_TLS_13_PSK, PSK | SPLIT | CHANGE | DONE, 5000, 450, 30,
	  600, "", "cf", 0 },
	{ "0-RTT behind the hello", SEINE_TLS_13_EARLY, ZERO | DONE, 700, 1448, 150, 600, "cd",
	  "ef", 405 },
	{ "0-RTT apart", SEINE_TLS_13_EARLY, ZERO | DONE, 700, 1448, 150, 600, "|cd|d", "e|f",
	  810 },
	{ "0-RTT behind a split hello", SEINE_TLS_13_EARLY, ZERO | SPLIT | DONE, 1800, 1448, 150,
	  600, "cd", "eF", 405 },
	{ "0-RTT upload", SEINE_TLS_13_EARLY, ZERO | DONE, 700, 1448, 150, 600, "cu", "u|uef",
	  48015 },
	{ "0-RTT refused", SEINE_TLS_13_EARLY, ZERO | DONE, 700, 1448, 150, 1700, "cd", "f", 405 },
	{ "0-RTT refused, SHA-384", SEINE_TLS_13_EARLY, ZERO | DONE, 700, 1448, 150, 1700, "|cd",
	  "F", 405 },
	{ "0-RTT refused by a retry", SEINE_TLS_13_RETRY, ZERO | RETRY | DONE, 700, 1448, 150, 1000,
	  "cd", "h~f", 405 },
	{ "retry", SEINE_TLS_13_RETRY, RETRY | CHANGE | DONE, 517, 1448, 0, 1000, "", "ch~f", 0 },
	{ "retry without CCS", SEINE_TLS_13_RETRY, RETRY | DONE, 517, 1448, 0, 1000, "", "h~f", 0 },
	{ "retry, CCS apart", SEINE_TLS_13_RETRY, RETRY | CHANGE | DONE, 517, 1448, 0, 1000, "",
	  "c|h~f", 0 },
	{ "retry, second hello split", SEINE_TLS_13_RETRY, RETRY | SPLIT | CHANGE | DONE, 517, 1448,
	  0, 1000, "", "cH~f", 0 },
	{ "TLS 1.2", SEINE_TLS_12, CHANGE, 300, 1448, 0, 1600, "", "kct", 0 },
	{ "TLS 1.2, client certificate", SEINE_TLS_12, CHANGE, 300, 1448, 0, 1600, "", "Kkct", 0 },
	{ "TLS 1.2, request with Finished", SEINE_TLS_12, CHANGE, 300, 1448, 0, 1600, "", "kctr",
	  605 },
	{ "TLS 1.2 resumed", SEINE_TLS_12_RESUMED, CHANGE, 400, 1448, 0, 600, "", "ct", 0 },
	{ "TLS 1.2 resumed, CCS apart", SEINE_TLS_12_RESUMED, CHANGE, 400, 1448, 0, 600, "", "c|t",
	  0 },
};

/* Ways to the client; as measured in the laboratory. */
struct leg {
	const char *name;
	uint32_t rtt_us, g1_us, hidden_us;
	enum seine_gap gap;
};

static const struct leg legs[] = {
	{ "direct", 20500, 300, 0, SEINE_GAP_NONE },
	{ "far away", 81000, 200, 0, SEINE_GAP_NONE },
	{ "proxied, strict", 20400, 60800, 60900, SEINE_GAP_DUAL },
	{ "proxied, optimistic", 20400, 40200, 60900, SEINE_GAP_DUAL },
};

/* Where the server's own time goes. */
struct timing {
	const char *name;
	bool timestamps;
	uint32_t compute_us;	/* the server takes so much longer */
	uint32_t calibrated_us; /* which the agent knows */
	uint32_t lost_us;	/* its flight is lost, and sent again so much later */
};

static const struct timing timings[] = {
	{ "", false, 0, 0, 0 },
	{ ", calibrated", false, 15000, 15000, 0 },
	{ ", timestamps", true, 15000, 0, 0 },
	{ ", timestamps, answer lost", true, 0, 0, 200000 },
	{ ", timestamps though calibrated", true, 0, 15000, 0 },
};

#endif
