package luna_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"google.golang.org/grpc"

	luna "luna.example/client/go"
)

// What tests/clients/test_go.py gives: a running server, one that wants a token, the fake provider that
// both ask (tests/support/fake_provider), the server's program, and a configuration to start another with,
// which waits half a second for the provider's first words.
var (
	serverAddress  = os.Getenv("LUNA_TEST_ADDRESS")
	guardedAddress = os.Getenv("LUNA_TEST_GUARDED")
	token          = os.Getenv("LUNA_TEST_TOKEN")
	fakeURL        = os.Getenv("LUNA_TEST_FAKE")
	serverProgram  = os.Getenv("LUNA_TEST_SERVER")
	serverConfig   = os.Getenv("LUNA_TEST_CONFIG")
)

func TestMain(m *testing.M) {
	if serverAddress == "" {
		fmt.Println("these tests need a server and a fake provider: tests/clients/test_go.py starts both, and them")
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func dial(t *testing.T, address string, options ...grpc.DialOption) *luna.Client {
	t.Helper()
	client, err := luna.Dial(address, options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return client
}

// step is one thing that the fake provider does (script.h there).
type step map[string]any

var (
	words  = step{"text": "하나 둘 셋"}
	gate   = step{"await": "step"}
	finish = []step{{"finish": "STOP"}, {"done": true}}
)

// script tells the fake provider what every request gets from now on.
func script(t *testing.T, steps ...step) {
	t.Helper()
	askFake(t, http.MethodDelete, "", nil)
	askFake(t, http.MethodPut, "/script", map[string]any{"steps": steps})
}

// state is what the fake provider counted.
type state struct {
	Seen     int
	Requests []struct {
		Outcome string
		Step    int
	}
}

// await gives the state once the counters are as the query says, such as "waiting=1".
func await(t *testing.T, query string) state {
	t.Helper()
	return askFake(t, http.MethodGet, "/wait?timeout_ms=30000&"+query, nil)
}

func askFake(t *testing.T, method, path string, body any) (result state) {
	t.Helper()
	data, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(t.Context(), method, fakeURL+"/_fake"+path, strings.NewReader(string(data)))
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Fatalf("%s %s: %s", method, path, response.Status)
	}
	if err := json.NewDecoder(response.Body).Decode(&result); err != nil {
		t.Fatal(err)
	}
	return result
}

// checkCancelled: the provider was left while it waited at its gate, the step of that number.
func checkCancelled(t *testing.T, step int) {
	t.Helper()
	state := await(t, "cancelled=1&open=0")
	if len(state.Requests) != 1 || state.Requests[0].Outcome != "cancelled" || state.Requests[0].Step != step {
		t.Errorf("the provider saw %+v", state.Requests)
	}
}

// startServer starts a server of the test's own; the address that it listens on, and what stops it.
func startServer(t *testing.T, address string) (string, func()) {
	t.Helper()
	command := exec.Command(serverProgram, "--config", serverConfig, "--http", "127.0.0.1:0", "--grpc", address)
	out, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	_, address, _ = strings.Cut(strings.TrimSpace(line), " grpc=")
	stopped := false
	stop := func() {
		if stopped {
			return
		}
		stopped = true
		command.Process.Signal(syscall.SIGTERM)
		if err := command.Wait(); err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(stop)
	return address, stop
}
