#!/usr/bin/env bash
# Makes the stubs anew from proto/luna/v1, in lunapb or in the folder that is given: client/go/generate.sh [FOLDER]
#
# protoc is that of grpcio-tools in tests/requirements.txt, which PYTHON has (build/venv after ./run test); the plugins
# are the tools of go.mod.
set -euo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
out=${1:-$here/lunapb}
proto=$here/../../proto
python=${PYTHON:-$here/../../build/venv/bin/python}
package=$(cd "$here" && go list -m)/lunapb

made=$(mktemp -d)
trap 'rm -rf -- "$made"' EXIT
plugins=()
for name in protoc-gen-go protoc-gen-go-grpc; do
  plugins+=("--plugin=$name=$(cd "$here" && go tool -n "$name")")
done
files=("$proto"/luna/v1/*.proto)
files=("${files[@]#"$proto/"}")
options=()
for kind in go go-grpc; do
  options+=("--${kind}_out=$made" "--${kind}_opt=module=$package" "${files[@]/#/--${kind}_opt=M}")
done
# Where google/api is, which grpcio-tools does not hold.
google=$("$python" -c 'import pathlib, google.api.http_pb2 as http; print(pathlib.Path(http.__file__).parents[2])')

"$python" -m grpc_tools.protoc "-I$proto" "-I$google" "${plugins[@]}" "${options[@]/%.proto/.proto=$package}" "${files[@]}"
mkdir -p "$out"
rm -f "$out"/*.pb.go
mv "$made"/*.pb.go "$out"
