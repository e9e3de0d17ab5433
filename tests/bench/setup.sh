# shellcheck shell=bash
# What `./run bench` needs beside luna itself; `run` sources this and gives root, python, step and the rest.
# shellcheck disable=SC2154

bench_packages=(libnghttp2-dev git python3-venv)
nginx_packages=(nginx-light)  # where there is no nginx yet: another one conflicts with it

make_bench_venv() {
  local venv=$root/build/bench-venv key
  key="$root $(sha256sum <"$root/tests/bench/requirements.txt")"
  [ "$(cat "$venv/made-for" 2>/dev/null)" != "$key" ] || return 0
  rm -rf "$venv"
  "$python" -m venv "$venv"
  "$venv/bin/python" -m pip install --disable-pip-version-check -r "$root/tests/bench/requirements.txt"
  echo "$key" >"$venv/made-for"
}

run_bench() {
  lock_build
  if PATH=$PATH:/usr/sbin command -v nginx >/dev/null; then nginx_packages=(); fi
  need_packages "${build_packages[@]}" "${run_packages[@]}" "${bench_packages[@]}" "${nginx_packages[@]}"
  step bench-venv "installing the plot's Python packages" make_bench_venv
  step build "building luna" build release luna-server
  step build-bench "building what measures it" build bench fake-provider bench-load bare-grpc
  unlock_build
  trap - EXIT INT TERM HUP
  rm -rf -- "$tmp"
  PYTHONDONTWRITEBYTECODE=1 exec "$root/build/bench-venv/bin/python" "$root/tests/bench/bench.py" "$@"
}
