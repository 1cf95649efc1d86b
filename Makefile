# A thin front: each target is a line or two over CMakePresets.json. Output is shown when something fails.

PREFIX ?= /usr/local
FUZZ_SECONDS ?= 60
SOAK_SECONDS ?= 600
SOAK_STREAMS ?= 500
# --quick leaves out what takes minutes, and writes nothing.
SCOREBOARD ?=

# $(call quiet,COMMAND): what it prints goes to build/TARGET.log, and to the terminal only on failure.
quiet = mkdir -p build && { { $(1); } >build/$@.log 2>&1 || { cat build/$@.log >&2; exit 1; }; }
build = $(call quiet,cmake --preset $(1) && cmake --build --preset $(1))
# What is missing is fetched when the first configuration fails for want of it; later ones do not ask.
ready = [ -e build/dev/build.ninja ] || cmake --preset dev >/dev/null 2>&1 || { rm -rf build/dev; ./setup; }

all:
	@$(ready)
	@$(call build,dev)
	@echo "Built build/dev/castor and build/dev/pollux. Next: make demo, make test, make install."

demo:
	@$(ready)
	@$(call quiet,cmake --preset dev && cmake --build --preset dev --target castor pollux)
	@cmake/demo.sh build/dev

test:
	@$(ready)
	@$(call build,dev)
	@ctest --preset dev

asan:
	@$(call build,$@)
	@ctest --preset $@

# Without what fails every allocation and call in one thread: it sees descriptors that libcurl closed without a word.
tsan:
	@$(call build,$@)
	@ctest --preset $@ -E '^(memory_network|system_calls)'

# Without what only starts other programs: valgrind would watch the wrong one. Nor what plays thousands of scenes again:
# the address sanitizer sees as much of it in a tenth of the time.
valgrind:
	@$(call build,$@)
	@ctest --preset $@ -E '^(command|pollux|examples)$$|^(memory_network|system_calls)'

# gcc -fanalyzer and clang-tidy (.clang-tidy), over all that ships.
analyse:
	@$(call quiet,cmake --preset analyse-gcc && cmake --build --preset analyse-gcc && \
	    cmake --preset analyse-clang && cmake --build --preset analyse-clang)

# Agrees on the binary interface as it is now; say why in the commit. The test `abi` compares.
abi:
	@$(call quiet,cmake --preset dev && cmake --build --preset dev --target castor_shared)
	@tests/abi/run.sh --renew build/dev/libcastor.so

fuzz:
	@$(call build,fuzz)
	@tests/fuzz.sh build/fuzz $(FUZZ_SECONDS)

# SOAK_STREAMS at once, each of them judged, and other clients beside them, against twins that spoil a third of their answers;
# all of it under the sanitizers.
soak:
	@$(call build,asan)
	@conformance/soak/run build/asan $(SOAK_SECONDS) $(SOAK_STREAMS)

# All of it takes a quarter of an hour; QUICK=1 shows in three minutes that it works, and writes nothing.
bench:
	@$(ready)
	@$(call quiet,cmake --preset release && cmake --build --preset release --target all bench)
	@bench/run build/release

peers:
	@$(ready)
	@$(call build,dev)
	@conformance/peers/run build/dev

scoreboard:
	@$(ready)
	@$(call build,dev)
	@conformance/scoreboard/run build/dev $(SCOREBOARD)

docs:
	@$(call quiet,doxygen docs/Doxyfile)
	@echo "build/docs/html/index.html"

install:
	@$(call quiet,cmake --preset release -DCMAKE_INSTALL_PREFIX=$(PREFIX) && cmake --build --preset release)
	@$(call quiet,DESTDIR='$(DESTDIR)' cmake --install build/release)
	@[ -n "$(DESTDIR)" ] || ldconfig 2>/dev/null || true
	@echo "Installed under $(DESTDIR)$(PREFIX)."

dist:
	@mkdir -p build
	@v=$$(sed -n 's/^#define CASTOR_VERSION "\(.*\)"/\1/p' include/castor/castor.h) && \
	    git archive --format=tar.gz --prefix=castor-$$v/ -o build/castor-$$v.tar.gz HEAD && echo build/castor-$$v.tar.gz

# What ./setup fetched stays: it is no product of ours.
clean:
	@find build -mindepth 1 -maxdepth 1 ! -name deps -exec rm -rf {} +

.PHONY: all demo test asan tsan valgrind analyse abi fuzz soak bench peers scoreboard docs install dist clean
