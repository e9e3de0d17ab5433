# shellcheck shell=bash
# Which model answers; `run` sources this and gives root, python, logs, tmp, say and the rest.
# shellcheck disable=SC2034,SC2154

# first_model URL: the name of the first model that the server there offers; fails where there is no model server.
first_model() {
  local auth=''
  [ -z "${LLM_SERVER_API_KEY-}" ] || auth="header = \"Authorization: Bearer $LLM_SERVER_API_KEY\""
  curl -fs --noproxy localhost,127.0.0.1,::1 --max-time 3 -K - "$1/v1/models" <<<"$auth" 2>/dev/null |
    "$python" -c 'import json, sys; print(json.load(sys.stdin)["data"][0]["id"])' 2>/dev/null
}

# Says by the environment, which the server reads, who answers. Sets `local_model=1` where that is the local model.
choose_model() {
  local url name
  if [ -n "${LLM_MODE-}" ]; then
    say "model: as configured (LLM_MODE=$LLM_MODE)"
    return
  fi
  if [ -n "${LUNA_LOCAL_MODEL-}" ]; then
    say "model: the local one that LUNA_LOCAL_MODEL names"
    local_model=1
    return
  fi
  if [ -n "${GEMINI_API_KEY-}${GENAI_API_KEY-}" ]; then
    export LLM_MODE=api
    say "model: Gemini"
    return
  fi
  for url in "${LLM_SERVER_URL-}" http://127.0.0.1:8080; do
    url=${url%/}
    url=${url%/v1}
    [ -n "$url" ] || continue
    if name=$(first_model "$url"); then
      export LLM_MODE=server LLM_SERVER_URL=$url LLM_MODEL_ALIAS=${LLM_MODEL_ALIAS:-$name}
      say "model: $LLM_MODEL_ALIAS at $url"
      return
    fi
    [ -z "${LLM_SERVER_URL-}" ] || say "no model server answers $url/v1/models"
  done
  say "model: a local one, since neither GEMINI_API_KEY nor a model server is there"
  local_model=1
}

fetch_model() { "$python" "$root/config/localmodel/fetch.py" ${LUNA_LOCAL_MODEL:+"$LUNA_LOCAL_MODEL"} >"$tmp/model"; }

model_answers() {
  [ -s "$tmp/address" ] || return 1
  [ "$(curl -s --noproxy '*' -o "$tmp/health" -w '%{http_code}' --max-time 2 "$(<"$tmp/address")/health")" = 200 ]
}

# Starts the model's server. It lives as long as descriptor `model_life` is open in some process: this one, and the
# luna-server that this one starts or becomes. So it ends with them, even by kill -9.
serve_model() {
  local files
  mapfile -t files <"$tmp/model"
  LLM_SERVER_API_KEY=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
  export LLM_SERVER_API_KEY LLM_MODE=server LLM_MODEL_ALIAS=local
  exec {model_life}> >(exec "$python" "$root/config/localmodel/serve.py" "${files[@]}" "$tmp/address" \
    >"$logs/localmodel.log" 2>&1)
  model_pid=$!
  wait_until 120 "loading the model" "$model_pid" model_answers || {
    tail -n 20 "$logs/localmodel.log" >&2
    die "the local model did not start; all it said is in $logs/localmodel.log. LUNA_LOCAL_MODEL=0.5b takes less memory"
  }
  LLM_SERVER_URL=$(<"$tmp/address")
  export LLM_SERVER_URL
}
