#!/usr/bin/env python3
"""Serves a .gguf file on 127.0.0.1 with llama.cpp's own HTTP server, until standard input closes.

    LLM_SERVER_API_KEY=... serve.py MODEL.gguf FOLDER_OF_XLLAMACPP ADDRESS_FILE

Takes a free port and writes `http://127.0.0.1:PORT` to the address file; `/health` there is 200 once
the model is loaded. Whoever starts it keeps the other end of standard input open: when that process
ends, however it ends, so does this one. It leaves the terminal, since Ctrl-C is theirs to act on: they
may still need answers.
"""

import os
import pathlib
import sys


def parameters(model: str, api_key: str):
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = model
    params.model_alias = {"local"}
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.api_keys = [api_key]  # without one every web page in a browser here could call it
    params.n_parallel = 2
    params.n_ctx = 4096 * params.n_parallel
    # With every core taken it slows ten times once anything else runs.
    threads = max(1, len(os.sched_getaffinity(0)) - 1)
    params.cpuparams.n_threads = threads
    params.cpuparams_batch.n_threads = threads
    params.ui = False
    params.offline = True
    params.cache_ram_mib = 0  # the default keeps 8 GB of old prompts
    return params


def main() -> int:
    model, module, address_file = sys.argv[1:]
    if os.getpgrp() != os.getpid():
        os.setsid()
    sys.path.insert(0, module)
    import xllamacpp

    server = xllamacpp.Server(parameters(model, os.environ["LLM_SERVER_API_KEY"]))
    ready = pathlib.Path(address_file)
    partial = ready.with_suffix(".partial")
    partial.write_text(f"{server.listening_address}\n")
    partial.rename(ready)

    while os.read(0, 4096):
        pass
    # The server's own destructor waits for what is being generated; nobody is there to read it.
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main())
