/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of this folder share: the open datapath, and the few steps they take together.
 *
 *	load.c	    program and maps come into being, or are adopted
 *	pins.c	    where maps live in the bpf file system
 *	orphans.c   what earlier agents left there
 *	attach.c    the program on an interface	    hook.c  what is on an interface
 *	lists.c	    a drop list, in two generations  generation.c  its lengths and bits (pure)
 *	apply.c	    brings a list into force	    plan.c	   room for it, rows for its hits
 *	rows.c harvest.c hits.c allow.c events.c    reading and writing maps    room.c  how full
 *they are run.c	    the program over frames of a capture
 */
#ifndef KERNEL_HANDLE_H
#define KERNEL_HANDLE_H

#include <linux/limits.h>
#include "user/kernel/datapath.h"

/* All maps by their names behind "seine_"; pins have the full name. */
#define DATAPATH_MAPS(X) \
	X(cfg) \
	X(ports) \
	X(off) \
	X(beat) \
	X(meta) \
	X(stats) \
	X(guard) \
	X(active) \
	X(lists) \
	X(lengths) \
	X(bits) \
	X(hits) \
	X(tat) \
	X(allow) \
	X(half) \
	X(door) \
	X(flow) \
	X(shake) \
	X(events) \
	X(trips) \
	X(src) \
	X(net)

enum datapath_map {
#define X(name) MAP_##name,
	DATAPATH_MAPS(X)
#undef X
		MAP_COUNT
};

extern const char *const datapath_map_name[MAP_COUNT];

struct bpf_map;
struct seine;

#define DATAPATH_INTERFACES 16
#define DATAPATH_OLDER 8 /* ABI numbers that one interface after the other may still run */
#define DATAPATH_LIST_PIN "seine_drop" /* the list in force, for `bpftool map dump` */

/* An interface that carries our program. */
struct attached {
	int ifindex;
	uint32_t hook_id; /* of what the interface runs: our program or the dispatcher over it */
	uint32_t id;	  /* of our program */
	int fd;		  /* our program, when it is alone; -1 under a dispatcher */
	enum datapath_xdp_mode mode;
};

struct datapath {
	char dir[PATH_MAX]; /* of the pins */
	int lock;	    /* on the directory above; -1 when only reading */
	int map[MAP_COUNT];
	int list[2];		     /* inner maps of seine_lists, by generation */
	struct datapath_sizes sizes; /* as the maps are */
	struct seine_meta meta;
	struct seine *skel;    /* NULL: opened without a program */
	bool frags;	       /* the kernel takes programs that read multi-buffer packets */
	uint64_t *bits;	       /* seine_bits, mapped when first needed */
	struct events *events; /* NULL: nobody listens */
	struct attached attached[DATAPATH_INTERFACES];
	unsigned int n_attached;
	int older[DATAPATH_OLDER]; /* seine_cfg of older ABI numbers, until they are collected */
	unsigned int n_older;
};

/*
 * Opens the program with the maps of `d`, made to d->sizes where d has none yet. Not loaded.
 * `frags`: it will read the first buffer of packets that have several.
 */
int object_open(const struct datapath *d, bool frags, bool test_clock, struct seine **ret);
void object_freep(struct seine **skel);

/* Opens all pins of `dir` into `map`. -ENOENT: nothing is pinned there. */
int pins_open(const char *dir, char *why, int map[MAP_COUNT]);
/* Pins all maps at once: `dir` comes into being complete, or not at all. */
int pins_create(const char *dir, const int map[MAP_COUNT], char *why);
/* Pins `fd` over what may be pinned as `name`, without a moment in between. */
int pins_replace(const char *dir, const char *name, int fd);
int pins_lock(const char *pin_dir, char *why, int *ret);
int pins_remove(const char *dir);
int path_join(char path[PATH_MAX], const char *dir, const char *name);
#define PIN_STAGE "seine_stage" /* a pin on its way to its name */

/* Opens d->older, by which hook_read() knows an older program of ours; and lets go of them. */
void orphans_know(struct datapath *d);
void orphans_forget(struct datapath *d);

/* Is the layout of the map behind `fd` the one this program was built with? */
int pins_check(int fd, const struct bpf_map *map, char *why);

/* Calls `row` for each row of a hash table. A negative return of `row` ends it. */
typedef int (*map_row_fn)(const void *key, const void *value, void *arg);
int map_walk(int fd, size_t key_size, size_t value_size, map_row_fn row, void *arg);

/* A fresh pair of empty lists, the first one in force. */
int lists_create(struct datapath *d);
/* Puts a list of another size in the place of a generation that no packet looks at; waits until
 * none does any more. Takes over `fd`. */
int lists_enter(struct datapath *d, uint32_t generation, int fd);
/* An empty list with room for n entries: its descriptor, or a negative errno. */
int lists_new(const struct datapath *d, size_t n);
/* How many rows the list behind `fd` has room for; 0: cannot be told. */
uint32_t lists_rows(int fd);
/* Those of adopted maps. */
int lists_adopt(struct datapath *d);
/* Lets DATAPATH_LIST_PIN lead to the list in force. */
int lists_pin(const struct datapath *d);

/* Which generation is in force. */
int lists_active(const struct datapath *d, uint32_t *ret);
/* False for a key that can never match a packet: only a person with bpftool writes such. */
bool lists_key(const struct seine_prefix *key, struct prefix *ret);

/* Zeroes these rows of seine_hits and seine_tat. */
int hits_clear(const struct datapath *d, const uint32_t *slots, size_t n);

void events_freep(struct events **e);

/* What an interface's XDP hook holds. */
struct hook {
	uint32_t id; /* 0: nothing */
	enum datapath_xdp_mode mode;
	bool dispatcher;
	char name[16]; /* of the program, when it is alone */
	uint32_t ours; /* id of our program there; 0: none */
	bool current;  /* and it is this very program on these very maps */
};
int hook_read(const struct datapath *d, int ifindex, struct hook *ret);

#endif
