# SPDX-License-Identifier: GPL-2.0-or-later
#
# One Makefile builds it all: XDP programs and their skeletons, agent, command line, tests.
#
#   bpf/X.bpf.c      -> $(B)/bpf/X.bpf.o, $(B)/bpf/X.skel.h   clang, then bpftool
#   user/...         -> $(B)/libseine.a                       all but the mains and cmd_*.c
#   scripts/S/X.c    -> $(B)/S/X                              programs of laboratory and bench
#   tests/S/test_X.c -> $(B)/tests/S/test_X                   other files in S are shared by all
#   tests/sim/sim_X.c -> $(B)/tests/sim/sim_X                 programs of the simulation
#
# Sources are found by name: a new file needs no line here. Objects mirror the tree under $(BUILD).
# SAN=1 builds with ASan and UBSan under $(BUILD)-san, SAN=fuzz with libFuzzer under $(BUILD)-fuzz.

MAKEFLAGS += -r
.DELETE_ON_ERROR:
.SECONDARY:
.DEFAULT_GOAL := all

BUILD   ?= .build
PREFIX  ?= /usr
SYSCONF ?= /etc
CLANG   ?= clang
BPFTOOL ?= bpftool
CFLAGS  ?= -O2 -g

# Libraries, by their pkg-config names.
LIBS      := libbpf libxdp jansson gsl libcap-ng libseccomp libsystemd libcrypto libpcap
TEST_LIBS := cmocka

# Debian keeps bpftool and nginx in sbin, which not every user has in PATH.
export PATH := $(PATH):/usr/sbin:/sbin

B := $(BUILD)$(if $(SAN),-$(SAN:1=san))
Q := $(if $(V),,@)
silent := $(findstring s,$(firstword -$(MAKEFLAGS)))
say = @mkdir -p $(@D)$(if $(silent),,; echo "  $(1)	$(@:$(B)/%=%)")

ifeq ($(SAN),fuzz)
CC := $(CLANG)
SANITIZE := -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
else ifdef SAN
SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
endif

INCLUDES   := -I. -I$(B) -I$(B)/bpf
# A field that is not named is zero: clang warns of that in the macros of libseccomp.
WARN       := -Wall -Wextra -Werror -Wno-missing-field-initializers
HOST_FLAGS  = -std=gnu11 -D_GNU_SOURCE $(INCLUDES) $(WARN) $(SANITIZE) $(LIB_CFLAGS)
BPF_FLAGS   = -std=gnu11 -O2 -g -target bpf -mcpu=v3 $(INCLUDES) $(WARN) \
	      -idirafter /usr/include/$(shell $(CC) -print-multiarch)
LIB_CFLAGS := $(shell pkg-config --cflags $(LIBS) 2>/dev/null)
LIB_LIBS   := $(shell pkg-config --libs $(LIBS) 2>/dev/null) -lm

# --- What there is --------------------------------------------------------------------------------

to_obj = $(patsubst %.c,$(B)/%.o,$(1))
to_bin = $(patsubst %.c,$(B)/%,$(1))

BPF_SRC   := $(wildcard bpf/*.bpf.c tests/bpf/*.bpf.c scripts/bench/*.bpf.c)
MAIN_SRC  := $(wildcard user/seined.c user/seine.c)
CMD_SRC   := $(wildcard user/cmd_*.c)
LIB_SRC   := $(filter-out $(MAIN_SRC) $(CMD_SRC),$(wildcard user/*.c user/*/*.c))
TOOL_SRC  := $(filter-out $(BPF_SRC),$(wildcard scripts/lab/*.c scripts/bench/*.c))
TEST_SRC  := $(wildcard tests/*/test_*.c)
FUZZ_SRC  := $(wildcard tests/fuzz/fuzz_*.c)
SIM_SRC   := $(wildcard tests/sim/sim_*.c)
SHARE_SRC := $(filter-out $(BPF_SRC) $(TEST_SRC) $(SIM_SRC),$(wildcard tests/[!f]*/*.c))
HOST_SRC  := $(MAIN_SRC) $(CMD_SRC) $(LIB_SRC) $(TOOL_SRC) $(TEST_SRC) $(FUZZ_SRC) $(SIM_SRC) \
	     $(SHARE_SRC)

SKELS   := $(BPF_SRC:%.bpf.c=$(B)/%.skel.h)
PROGS   := $(MAIN_SRC:user/%.c=$(B)/%)
TOOLS   := $(TOOL_SRC:scripts/%.c=$(B)/%)
TESTS   := $(call to_bin,$(TEST_SRC))
SIMS    := $(call to_bin,$(SIM_SRC))
FUZZERS := $(call to_bin,$(FUZZ_SRC))
TIDY    := $(patsubst %.c,$(B)/%.tidy,$(MAIN_SRC) $(CMD_SRC) $(LIB_SRC) $(TOOL_SRC))

# What is installed, as FILE:DIRECTORY.
into = $(patsubst %,%:$(1),$(wildcard $(2)))
INSTALLED = $(B)/seined:$(PREFIX)/sbin $(B)/seine:$(PREFIX)/bin \
	$(foreach n,1 5 7 8,$(call into,$(PREFIX)/share/man/man$(n),user/man/*.$(n))) \
	$(call into,$(PREFIX)/lib/systemd/system,user/systemd/*.service user/systemd/*.socket) \
	$(call into,$(PREFIX)/lib/sysusers.d,user/systemd/sysusers.d/*.conf) \
	$(call into,$(PREFIX)/lib/tmpfiles.d,user/systemd/tmpfiles.d/*.conf) \
	$(call into,$(PREFIX)/share/bash-completion/completions,user/completion/seine) \
	$(call into,$(SYSCONF)/seine,user/conf/*.conf)

# --- Targets --------------------------------------------------------------------------------------

.PHONY: all tools tests fuzzers tidy check check-unit lint format demo bench sim sim-full fuzz \
	install uninstall deps compdb clean help

SUB    := $(MAKE) --no-print-directory -j$(shell nproc)
SCRIPT := BUILD=$(abspath $(B)) SAN_BUILD=$(abspath $(BUILD)-san) MAKE="$(SUB) BUILD=$(BUILD)"

all: $(PROGS)		## build the agent and the command line (the default)

tools: $(TOOLS)

tests: $(TESTS) $(SIMS) $(FUZZERS)

fuzzers: $(FUZZERS)

tidy: $(TIDY)

check: deps		## run all tests; as root, which loading programs and namespaces need
	$(Q)$(SUB) all tools tests
	$(Q)$(SUB) SAN=1 all tests
	$(Q)$(SCRIPT) tests/run

check-unit:		## run the tests that need no root; takes seconds
	$(Q)$(SUB) all $(filter $(B)/tests/unit/%,$(TESTS)) fuzzers
	$(Q)$(SCRIPT) SAN_BUILD=$(abspath $(B)) tests/run unit fuzz

lint:			## check format, style and rules of the house
	$(Q)$(SUB) all
	$(Q)$(SCRIPT) tests/run lint

format:			## rewrite all C files in the form clang-format gives them
	$(Q)clang-format -i $$(find bpf user scripts tests -name '*.[ch]')

demo: all tools		## catch a swarm in network namespaces, about two minutes (root)
	$(Q)scripts/bpffs
	$(Q)$(SCRIPT) scripts/demo

bench: all tools	## measure the datapath against its peers (root)
	$(Q)scripts/bpffs
	$(Q)$(SCRIPT) scripts/bench/run

sim: $(B)/tests/sim/sim_rows	## simulate campaigns and honest crowds, about ten minutes
	$(Q)BUILD=$(abspath $(B)) tests/sim/run sim $(ROWS)

sim-full: $(B)/tests/sim/sim_rows	## the same with a million sources and more seeds, hours
	$(Q)BUILD=$(abspath $(B)) tests/sim/run full $(ROWS)

fuzz:			## fuzz each parser for FOR=60 seconds
	$(Q)$(SUB) SAN=fuzz fuzzers
	$(Q)FUZZ_BUILD=$(abspath $(BUILD)-fuzz) tests/fuzz/run $(or $(FOR),60)

install: all		## install under DESTDIR=, PREFIX=/usr; an existing config stays
	$(Q)set -e; for f in $(INSTALLED); do \
		to=$(DESTDIR)$${f#*:}/$$(basename $${f%:*}); mode=644; \
		case $$to in $(DESTDIR)$(SYSCONF)/*) [ ! -e $$to ] || continue;; esac; \
		[ ! -x $${f%:*} ] || mode=755; \
		install -D -m $$mode $${f%:*} $$to; \
	done

uninstall:		## remove what install put there, except the configuration
	$(Q)for f in $(filter-out %:$(SYSCONF)/seine,$(INSTALLED)); do \
		rm -f $(DESTDIR)$${f#*:}/$$(basename $${f%:*}); \
	done

deps:			## install what building and testing needs (root)
	$(Q)scripts/deps

compdb:			## write compile_commands.json for editors
	$(Q)$(MAKE) -Bn V=1 all tools tests | \
		sed -nE 's|.* -c -o \S+ (\S+\.c)$$|"file":"\1","command":"&"},|p' | \
		sed -e 's|^|{"directory":"$(CURDIR)",|' | \
		sed -e '1s/^/[\n/' -e '$$s/,$$/\n]/' >compile_commands.json

clean:			## remove what was built
	rm -rf $(BUILD) $(BUILD)-san $(BUILD)-fuzz compile_commands.json

help:			## show this
	@echo "make [TARGET] [V=1: show commands] [SAN=1: ASan and UBSan] [BUILD=.build: where]"
	@sed -nE 's/^([a-z-]+):[^#]*## (.*)/  \1\t\2/p' Makefile | expand -t 14

# --- Rules ----------------------------------------------------------------------------------------

# The tools are asked once, so that a missing one is named before a compiler stumbles over it.
$(B)/.tools: Makefile
	@[ "$$($(CLANG) -dumpversion 2>/dev/null | cut -d. -f1)" -ge 14 ] 2>/dev/null || \
		{ echo "seine needs clang 14 or newer (CLANG=$(CLANG)); try: sudo make deps"; exit 1; }
	@$(BPFTOOL) version >/dev/null 2>&1 || \
		{ echo "seine needs a working bpftool (BPFTOOL=$(BPFTOOL)); try: sudo make deps"; exit 1; }
	@pkg-config --print-errors --exists $(LIBS) || \
		{ echo "seine needs these libraries; try: sudo make deps"; exit 1; }
	@mkdir -p $(@D) && touch $@

$(B)/%.bpf.o: %.bpf.c | $(B)/.tools
	$(call say,BPF)
	$(Q)$(CLANG) $(BPF_FLAGS) -MMD -MP -c -o $@ $<

# The kernel puts the skeleton's name in front of its data maps, so that is kept short.
$(B)/%.skel.h: $(B)/%.bpf.o
	$(call say,SKEL)
	$(Q)echo '/* NOLINTBEGIN: generated */' >$@
	$(Q)$(BPFTOOL) gen skeleton $< name $(subst -,_,$(notdir $*)) >>$@
	$(Q)echo '/* NOLINTEND */' >>$@

$(B)/%.o: %.c | $(B)/.tools
	$(call say,CC)
	$(Q)$(CC) $(HOST_FLAGS) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

# A skeleton must exist before a file that includes it is first compiled; then the .d files know.
$(call to_obj,$(shell grep -ls '\.skel\.h"' /dev/null $(HOST_SRC))): | $(SKELS)

$(B)/%.a:
	$(call say,AR)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(B)/libseine.a: $(call to_obj,$(LIB_SRC))
$(B)/libtest.a: $(call to_obj,$(SHARE_SRC))

LINK = $(CC) $(SANITIZE) $(CFLAGS) $(LDFLAGS) -o $@ $(filter %.o,$^) $(filter %.a,$^)

$(B)/seine: $(call to_obj,$(CMD_SRC))
$(PROGS): $(B)/%: $(B)/user/%.o $(B)/libseine.a
	$(call say,LINK)
	$(Q)$(LINK) $(LIB_LIBS)

$(TOOLS): $(B)/%: $(B)/scripts/%.o $(B)/libtest.a $(B)/libseine.a
	$(call say,LINK)
	$(Q)$(LINK) $(LIB_LIBS)

# The one tool that speaks TLS itself.
$(B)/lab/handshakes: LIB_LIBS += $(shell pkg-config --libs libssl 2>/dev/null)

$(TESTS) $(SIMS): $(B)/%: $(B)/%.o $(B)/libtest.a $(B)/libseine.a
	$(call say,LINK)
	$(Q)$(LINK) $(shell pkg-config --libs $(TEST_LIBS)) $(LIB_LIBS)

# libFuzzer brings a main; everywhere else a fuzz target replays its corpus.
$(FUZZERS): $(B)/%: $(B)/%.o $(if $(filter fuzz,$(SAN)),,$(B)/tests/fuzz/replay.o) $(B)/libseine.a
	$(call say,LINK)
	$(Q)$(LINK) $(subst -no-link,,$(SANITIZE)) $(LIB_LIBS)

# The object stands for the headers: it is newer whenever one of them changed.
$(B)/%.tidy: %.c $(B)/%.o .clang-tidy
	$(call say,TIDY)
	$(Q)clang-tidy --quiet $< -- $(HOST_FLAGS) $(CPPFLAGS) >$@ 2>&1 || \
		{ cat $@; exit 1; }

-include $(wildcard $(B)/*/*.d $(B)/*/*/*.d)
