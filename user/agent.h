/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The agent: one loop, one line.
 *
 *	harvest > observe > correlate > judge > enforce > record
 *
 * agent_cycle() shows it in one function. Between cycles the loop serves the control socket,
 * signals and the watchdog. Everything lives in struct agent; the requests read it to answer the
 * command line and change it only through the functions below.
 *
 *	agent.c	 start, loop, stop	cycle.c	 the line	changes.c  what an operator asks for
 *	events.c what the datapath tells between cycles	remember.c  what outlives the agent
 */
#ifndef AGENT_H
#define AGENT_H

#include <stdbool.h>
#include <stdint.h>
#include "user/conf.h"
#include "user/feeds.h"
#include "user/judge/claims.h"
#include "user/kernel/datapath.h"
#include "user/mind.h"
#include "user/sight/dictionary.h"
#include "user/sight/hellos.h"
#include "user/sight/hygiene.h"
#include "user/sight/trips.h"
#include "user/who.h"

struct cycle { /* the last one, for `status` */
	uint32_t number;
	uint32_t at_sec;
	uint32_t took_ms;
	size_t sources, nets;
	struct entries_diff applied;
};

/* What may be wrong for longer than a cycle. Logged when it begins and when it ends. */
enum alarm {
	ALARM_CYCLE,	 /* a cycle failed */
	ALARM_APPLY,	 /* the kernel refused a drop list */
	ALARM_SOURCES,	 /* the table of sources is nearly full, or was */
	ALARM_NETS,	 /* the same of prefixes */
	ALARM_FLOWS,	 /* more new connections than are kept */
	ALARM_MAPS,	 /* map operations failed in the datapath */
	ALARM_INTERFACE, /* an interface no longer runs our program */
	ALARM_SAMPLES,	 /* too many handshakes gave no gap that can be trusted */
	ALARM_CLOCK,	 /* the time of day cannot be what it should */
	ALARM_HISTORY,	 /* what is seen is not kept, or not for long enough */
	ALARM_CAMPAIGNS, /* more than are followed */
	ALARM_STATE,	 /* changes cannot be recorded */
	ALARM_SLOTS,	 /* entries without counters of their own */
	ALARM_REPLACED,	 /* a pool has taken over the load of one that was dropped */
	ALARM_ROLLBACK,	 /* accepted traffic fell, and campaigns were rolled back */
	ALARM_TRIAL,	 /* a trial cannot be taken back */
	ALARM_GUARDS,	 /* not all that must not be dropped is known */
	ALARM_COUNT,
};

#define AGENT_UNPROVEN 1024 /* hellos between their last byte and the proof, microseconds apart */

/* What the last dossier of a campaign told, see dossier.h. */
struct dossier_mark {
	uint32_t campaign;
	size_t members;
	bool acted, ended;
	bool fresh; /* nothing was told of it yet: what there is is of another one of its name */
};

/* Changes that come back unless they are confirmed; see trial.h. */
struct trial {
	uint32_t deadline_sec; /* 0: none runs */
	int64_t began_unix;
	uint32_t uid; /* whose it is; SEINE_NO_ACTOR: nobody's */
	char actor[WHO_NAME];
	enum seine_mode mode; /* as it was before, and so on */
	struct claims *people;
	struct allow_entry *allows;
	size_t n_allows;
};

struct agent {
	const char *conf_path;
	struct conf conf;	   /* in force; cfg.mode follows `seine mode` */
	enum seine_mode conf_mode; /* as the file said when it was read */
	struct datapath *datapath;
	struct history *history;     /* NULL: nothing is kept */
	struct remember *remember;   /* what is written to it, beside the mind's deeds */
	struct mind *mind;	     /* what it thinks of what it has seen */
	struct guards guards;	     /* recomputed each round */
	struct state *state;	     /* NULL: nothing is recorded; see ledger.h */
	struct claims *claims;	     /* what everybody wants */
	struct entries *entries;     /* in force, as the kernel holds them */
	bool entries_edited;	     /* by somebody else since: the bitmap lacks them */
	struct entries_diff applied; /* by the last change */
	struct entries_diff by_hand; /* what others did to the list before it */
	struct entries *seen;	 /* the kernel's list before it, where others had changed that */
	struct entries *retired; /* the list before, as it was when it went; NULL: nobody can tell */
	size_t uncounted;	 /* entries without counters of their own */
	struct conflicts conflicts; /* claims that are not in force */
	struct feeds feeds;
	struct trial trial;
	struct state_loaded *loaded; /* from the state, until it is in force */
	bool record_anew;	     /* the state holds no claims at all yet */
	bool unrecorded;	     /* it lacks what has changed, or has lost what it held */
	int64_t told_id;	     /* of the last event of the audit that followers were told */
	bool off;		     /* the kill switch, as it was last seen */
	int network_fd;	      /* tells of changes of addresses and routes; -1: nothing does */
	bool network_changed; /* and guards have yet to follow */
	struct who_names who;
	struct dossier_mark *marks; /* one for each campaign, see dossier.h */
	size_t n_marks;
	bool marks_stuck;			     /* a dossier that is due cannot be written */
	struct hellos *hellos;			     /* of which a part is missing */
	struct hello_sight unproven[AGENT_UNPROVEN]; /* by tag: read before the connection's proof */
	struct dictionary *dictionary;		/* what ClientHellos are seen, and their names */
	struct standings *standings;		/* see standings.h */
	struct trips trips;			/* how long servers take */
	struct hygiene hygiene;			/* how many handshakes can be trusted */
	struct seine_stats stats, stats_before; /* the last two harvests, for rates */
	struct cycle cycle;
	uint32_t started_sec;
	uint32_t good_sec; /* when a cycle last ended well: the heartbeat depends on it */
	bool alarms[ALARM_COUNT];
	bool degraded;				  /* any of them */
	char troubles[ALARM_COUNT][DATAPATH_WHY]; /* why */

	struct loop *loop;
	struct control_server *server;
	int cycle_timer, alive_timer, trial_timer;
};

/* `why` holds DATAPATH_WHY bytes, here and below. */
int agent_start(const char *conf_path, const struct conf *conf, char *why, struct agent **ret);
int agent_run(struct agent *a);	  /* until SIGTERM or SIGINT */
void agent_stop(struct agent *a); /* as conf.on_stop says, and frees it; NULL is fine */

/* One turn of the line, as of now. */
int agent_cycle(struct agent *a, uint32_t now_sec);

uint32_t agent_now_sec(void); /* seconds since boot, CLOCK_MONOTONIC: the datapath's clock */

/* The first of what is wrong; empty: nothing is. */
const char *agent_trouble(const struct agent *a);

/* Sets or clears an alarm; a change is logged with `format`. Returns `on`. */
__attribute__((format(printf, 4, 5))) bool agent_alarm(struct agent *a, enum alarm alarm, bool on,
						       const char *format, ...);

/* Changes an operator asks for; in force and recorded when they return. `why` gets the sentence for
 * the operator. Claims are changed through ledger.h. `held`: what was there before, or NULL. */
struct moment;
struct audit;
int agent_allow_add(struct agent *a, const struct allow_entry *e, const struct allow_entry *held,
		    const struct moment *m, char *why);
int agent_allow_remove(struct agent *a, const struct allow_entry *e, const struct moment *m,
		       char *why);
int agent_set_mode(struct agent *a, enum seine_mode mode, const struct moment *m, char *why);
int agent_switch_off(struct agent *a, bool off, const struct moment *m, char *why);
int agent_reload(struct agent *a, char *why); /* on error the settings stay as they were */

/* The same, a step at a time; `audit` may be NULL. */
int agent_allow_put(struct agent *a, const struct allow_entry *e, const struct audit *audit,
		    char *why);
int agent_allow_take(struct agent *a, const struct prefix *p, const struct audit *audit, char *why);
int agent_put_mode(struct agent *a, enum seine_mode mode, const struct audit *audit, char *why);

/* Does a guard speak against dropping `p`? Then `why` says which. */
bool agent_guarded(struct agent *a, const struct prefix *p, char *why);

/* Who asked for an entry: "root", "seined", the name of a feed; NULL: nobody known. */
const char *agent_actor(struct agent *a, const struct seine_entry *row);
const char *agent_user(struct agent *a, uint32_t uid);

/* What clients of the control socket may follow. */
enum topic {
	TOPIC_CONNECTIONS = 1, /* as connection_json() and "hello_name" */
	TOPIC_DROPS = 2,       /* changes of the drop list, see told.h */
	TOPIC_AUDIT = 3,       /* events of the audit */
};

/* Events of the datapath: at start, before privileges are dropped, and once there is a loop. */
int agent_listen(struct agent *a, char *why);
int agent_listen_in_loop(struct agent *a);
/* Ended connections are reported while somebody follows them, and only then. */
void agent_follow(struct agent *a);

/* Names of ClientHellos. agent_hello_name(): NULL when it has none. agent_name_hello(): on the disk
 * when it returns; with key 0 `ja4` says which QUIC hello is meant. */
const char *agent_hello_name(const struct agent *a, uint64_t key);
int agent_name_hello(struct agent *a, uint64_t key, const char *ja4, const char *name, char *why);

/* Where server_time is a fixed one: puts it into `cfg`. Where it is measured: does so. */
void agent_server_time(const struct conf *conf, struct seine_cfg *cfg);
int agent_calibrate(struct agent *a, uint32_t now_sec);

/* Takes over a table of networks; NULL: there is none. */
void agent_networks(struct agent *a, struct asns *asns);

/* Reads the allow list and what the host needs anew into a->guards. */
int agent_guard(struct agent *a, uint32_t now_sec);
/* Guards, judge and enforcement at once, without waiting for the next cycle. */
int agent_rethink(struct agent *a, uint32_t now_sec, char *why);

#endif
