package luna_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	luna "luna.example/client/go"
	"luna.example/client/go/lunapb"
)

var no = false

// question has an answer and nothing else.
func question() *lunapb.InteractRequest {
	return &lunapb.InteractRequest{
		Input:    "안녕",
		Features: &lunapb.Features{Emotion: &no, Translation: &no, Memory: &no, Cache: &no},
	}
}

// failure is the *Error in an error.
func failure(t *testing.T, err error) *luna.Error {
	t.Helper()
	var failed *luna.Error
	if !errors.As(err, &failed) {
		t.Fatalf("%v (%T) is no *luna.Error", err, err)
	}
	return failed
}

// fails asks until the stream fails, and gives the words before.
func fails(t *testing.T, ctx context.Context, client *luna.Client, request *lunapb.InteractRequest) (*luna.Error, string) {
	t.Helper()
	var said strings.Builder
	for event, err := range client.Interact(ctx, request) {
		if err != nil {
			return failure(t, err), said.String()
		}
		if event.GetComplete() != nil {
			break
		}
		said.WriteString(event.GetLlmChunk().GetText())
	}
	t.Fatal("it did not fail")
	return nil, ""
}

func TestEventsComeOneByOne(t *testing.T) {
	script(t, append([]step{words}, finish...)...)
	var kinds []string
	var said strings.Builder
	var sequence int32
	for event, err := range dial(t, serverAddress).Interact(t.Context(), &lunapb.InteractRequest{Input: "안녕하세요!"}) {
		if err != nil {
			t.Fatal(err)
		}
		if sequence++; event.GetSequence() != sequence {
			t.Errorf("sequence %d, not %d", event.GetSequence(), sequence)
		}
		switch event := event.Event.(type) {
		case *lunapb.InteractResponse_Emotion:
			kinds = append(kinds, "emotion")
		case *lunapb.InteractResponse_LlmChunk:
			kinds = append(kinds, "chunk")
			said.WriteString(event.LlmChunk.GetText())
		case *lunapb.InteractResponse_Complete:
			kinds = append(kinds, "complete")
			if event.Complete.GetText() != said.String() || !event.Complete.GetRemembered() {
				t.Errorf("complete: %v, after %q", event.Complete, said.String())
			}
		}
	}
	if got := strings.Join(kinds, " "); got != "emotion chunk chunk chunk complete" {
		t.Error(got)
	}
}

func TestAnErrorEventIsAnError(t *testing.T) {
	script(t, words, step{"end": "reset"})
	failed, said := fails(t, t.Context(), dial(t, serverAddress), question())
	if failed.Code != "UPSTREAM_UNAVAILABLE" || !failed.Retryable || failed.Stage != "stream" {
		t.Errorf("%+v", failed)
	}
	if failed.TextSoFar != "하나 둘 셋" || said != failed.TextSoFar {
		t.Errorf("%q, then %q", said, failed.TextSoFar)
	}
	if status.Code(failed) != codes.Unavailable {
		t.Error(status.Code(failed))
	}
	if seen := await(t, "open=0").Seen; seen != 1 {
		t.Errorf("asked %d times", seen)
	}
}

func TestWhatIsRefusedBeforeTheStreamIsAnError(t *testing.T) {
	script(t, finish...)
	client := dial(t, serverAddress)
	failed, _ := fails(t, t.Context(), client, &lunapb.InteractRequest{Input: "안녕", Target: "nobody"})
	if failed.Code != "UNKNOWN_TARGET" || failed.Retryable || status.Code(failed) != codes.NotFound {
		t.Errorf("%+v", failed)
	}
	_, err := client.Interaction.Answer(t.Context(), &lunapb.AnswerRequest{})
	if failed := failure(t, err); failed.Code != "INVALID_INPUT" || status.Code(err) != codes.InvalidArgument {
		t.Errorf("%+v", failed)
	}
}

func TestADelayIsKnown(t *testing.T) {
	askFake(t, "DELETE", "", nil)
	body := step{"error": step{"code": 429, "message": "slow down"}}
	askFake(t, "PUT", "/script", step{"status": 429, "headers": step{"Retry-After": "3"}, "body": body})
	client := dial(t, serverAddress)
	_, err := client.Interaction.Answer(t.Context(), &lunapb.AnswerRequest{Input: "안녕"})
	if failed := failure(t, err); failed.Code != "UPSTREAM_QUOTA" || !failed.Retryable || failed.RetryAfter != 3*time.Second {
		t.Errorf("%+v", failed)
	}
	failed, _ := fails(t, t.Context(), client, question())
	if failed.RetryAfter != 3*time.Second || failed.Stage != "first_token" {
		t.Errorf("%+v", failed)
	}
}

func TestLeavingTheLoopStopsTheModel(t *testing.T) {
	script(t, words, gate)
	for _, err := range dial(t, serverAddress).Interact(t.Context(), question()) {
		if err != nil {
			t.Fatal(err)
		}
		await(t, "waiting=1")
		break
	}
	checkCancelled(t, 1)
}

func TestCancellingTheContextStopsTheModel(t *testing.T) {
	for name, steps := range map[string][]step{"BeforeTheFirstWord": {gate}, "InMidStream": {words, gate}} {
		t.Run(name, func(t *testing.T) {
			script(t, steps...)
			ctx, cancel := context.WithCancel(t.Context())
			go func() {
				await(t, "waiting=1")
				cancel()
			}()
			failed, said := fails(t, ctx, dial(t, serverAddress), question())
			if !errors.Is(failed, context.Canceled) || status.Code(failed) != codes.Canceled || failed.Retryable {
				t.Errorf("%+v", failed)
			}
			if failed.TextSoFar != said {
				t.Errorf("%q, then %q", said, failed.TextSoFar)
			}
			checkCancelled(t, len(steps)-1)
		})
	}
}

func TestADeadlineStopsTheModel(t *testing.T) {
	script(t, words, gate)
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	failed, _ := fails(t, ctx, dial(t, serverAddress), question())
	if !errors.Is(failed, context.DeadlineExceeded) || status.Code(failed) != codes.DeadlineExceeded || !failed.Retryable {
		t.Errorf("%+v", failed)
	}
	if failed.TextSoFar != "하나 둘 셋" {
		t.Error(failed.TextSoFar)
	}
	checkCancelled(t, 1)
}

func TestTheProvidersTimeIsNotTheCallers(t *testing.T) {
	script(t, gate)
	address, _ := startServer(t, "127.0.0.1:0")
	failed, _ := fails(t, t.Context(), dial(t, address), question())
	if failed.Code != "UPSTREAM_TIMEOUT" || status.Code(failed) != codes.DeadlineExceeded {
		t.Errorf("%+v", failed)
	}
	if errors.Is(failed, context.DeadlineExceeded) || errors.Is(failed, context.Canceled) {
		t.Errorf("%+v", failed)
	}
}

func TestClosingTheClientIsNotTheCallersContext(t *testing.T) {
	script(t, words, gate)
	client := dial(t, serverAddress)
	go func() {
		await(t, "waiting=1")
		client.Close()
	}()
	failed, said := fails(t, t.Context(), client, question())
	if status.Code(failed) != codes.Canceled || errors.Is(failed, context.Canceled) {
		t.Errorf("%+v", failed)
	}
	if failed.TextSoFar != said {
		t.Errorf("%q, then %q", said, failed.TextSoFar)
	}
	checkCancelled(t, 1)
	_, err := client.Interaction.Answer(t.Context(), &lunapb.AnswerRequest{Input: "안녕"})
	if failed := failure(t, err); failed.Code != "CANCELLED" || errors.Is(failed, context.Canceled) {
		t.Errorf("%+v", failed)
	}
}

func TestLeavingAtTheEndLosesNothing(t *testing.T) {
	script(t, append([]step{words}, finish...)...)
	for event, err := range dial(t, serverAddress).Interact(t.Context(), &lunapb.InteractRequest{Input: "안녕"}) {
		if err != nil {
			t.Fatal(err)
		}
		if event.GetComplete() != nil {
			break
		}
	}
	await(t, "finished=1&cancelled=0&open=0")
}

func TestARestartInBetweenIsSurvived(t *testing.T) {
	script(t, append([]step{words}, finish...)...)
	address, stop := startServer(t, "127.0.0.1:0")
	client := dial(t, address)
	if _, err := client.Interaction.Answer(t.Context(), &lunapb.AnswerRequest{Input: "하나"}); err != nil {
		t.Fatal(err)
	}
	stop()
	_, err := client.Interaction.Answer(t.Context(), &lunapb.AnswerRequest{Input: "둘"})
	if failed := failure(t, err); failed.Code != "UNAVAILABLE" || !failed.Retryable {
		t.Fatalf("%+v", failed)
	}
	startServer(t, address)
	for until := time.Now().Add(30 * time.Second); ; { // what a caller does who is told that it is retryable
		answer, err := client.Interaction.Answer(t.Context(), &lunapb.AnswerRequest{Input: "셋"})
		if err == nil {
			if answer.GetText() != "하나 둘 셋" {
				t.Error(answer)
			}
			return
		}
		if !failure(t, err).Retryable || time.Now().After(until) {
			t.Fatal(err)
		}
	}
}

func TestMemoryIsExported(t *testing.T) {
	script(t, append([]step{words}, finish...)...)
	client := dial(t, serverAddress)
	if _, err := client.Interaction.Answer(t.Context(), &lunapb.AnswerRequest{Input: "안녕", UserId: "go"}); err != nil {
		t.Fatal(err)
	}
	turns := 0
	for line, err := range client.Export(t.Context(), &lunapb.ExportRequest{UserId: "go"}) {
		if err != nil {
			t.Fatal(err)
		}
		turns++
		if line.GetConversation().GetUserMessage() != "안녕" {
			t.Error(line)
		}
	}
	if turns != 1 {
		t.Error(turns)
	}
	recent, err := client.Memory.ListRecent(t.Context(), &lunapb.ListRecentRequest{UserId: "go"})
	if err != nil || len(recent.GetRecentConversations()) != 1 {
		t.Error(recent, err)
	}
}

func TestAModelIsAskedDirectly(t *testing.T) {
	client := dial(t, serverAddress)
	request := &lunapb.GenerateStreamRequest{
		Target:   "gemini",
		Messages: []*lunapb.ChatMessage{{Role: "user", Content: "안녕"}},
	}
	script(t, append([]step{words}, finish...)...)
	var said strings.Builder
	reason := ""
	for piece, err := range client.Generate(t.Context(), request) {
		if err != nil {
			t.Fatal(err)
		}
		choice := piece.GetChoices()[0]
		said.WriteString(choice.GetDelta().GetContent())
		reason = choice.GetFinishReason()
	}
	if said.String() != "하나 둘 셋" || reason != "stop" {
		t.Error(said.String(), reason)
	}

	script(t, words, step{"end": "reset"})
	request.SkipCache = true
	for _, err := range client.Generate(t.Context(), request) {
		if err != nil {
			failed := failure(t, err)
			if failed.Code != "UPSTREAM_UNAVAILABLE" || failed.TextSoFar != "하나 둘 셋" {
				t.Errorf("%+v", failed)
			}
			return
		}
	}
	t.Error("it did not fail")
}

func TestTheCacheIsCleared(t *testing.T) {
	script(t, append([]step{words}, finish...)...)
	client := dial(t, serverAddress)
	for range 2 {
		if _, err := client.Interaction.Answer(t.Context(), &lunapb.AnswerRequest{Input: "안녕", UserId: "cache", Features: &lunapb.Features{Memory: &no}}); err != nil {
			t.Fatal(err)
		}
	}
	stats, err := client.Cache.GetCacheStats(t.Context(), &lunapb.GetCacheStatsRequest{UserId: "cache"})
	if err != nil || stats.GetHits() != 1 {
		t.Error(stats, err)
	}
	cleared, err := client.Cache.ClearCache(t.Context(), &lunapb.ClearCacheRequest{UserId: "cache"})
	if err != nil || cleared.GetRemoved() != 1 {
		t.Error(cleared, err)
	}
}

func TestATokenSaysWhoCalls(t *testing.T) {
	script(t, append([]step{words}, finish...)...)
	stranger := dial(t, guardedAddress)
	if _, err := stranger.Interaction.Answer(t.Context(), &lunapb.AnswerRequest{Input: "안녕"}); failure(t, err).Code != "UNAUTHENTICATED" {
		t.Error(err)
	}
	alice := dial(t, guardedAddress, luna.WithToken(token))
	if _, err := alice.Interaction.Answer(t.Context(), &lunapb.AnswerRequest{Input: "안녕"}); err != nil {
		t.Error(err)
	}
}

func TestWhatAPersonFeels(t *testing.T) {
	text := "오늘 너무 슬퍼서 울었어 ㅠㅠ"
	feels, err := dial(t, serverAddress).Emotion.Analyze(t.Context(), &lunapb.AnalyzeRequest{Text: &text})
	if err != nil || feels.GetEmotion() != "sadness" {
		t.Error(feels, err)
	}
}
