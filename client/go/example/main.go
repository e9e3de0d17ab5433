// Asks luna once and prints the answer word by word, and on stderr what the person feels. luna is at
// LUNA_SERVER (localhost:50051), and gets the token in LUNA_TOKEN.
//
//	go run -C client/go ./example "안녕하세요!"
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"

	luna "luna.example/client/go"
	"luna.example/client/go/lunapb"
)

func main() {
	server := cmp.Or(os.Getenv("LUNA_SERVER"), "localhost:50051")
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt) // Ctrl-C cancels the answer
	defer stop()
	if err := ask(ctx, server, strings.Join(os.Args[1:], " ")); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func ask(ctx context.Context, server, question string) error {
	client, err := luna.Dial(server, luna.WithToken(os.Getenv("LUNA_TOKEN")))
	if err != nil {
		return err
	}
	defer client.Close()
	for event, err := range client.Interact(ctx, &lunapb.InteractRequest{Input: question}) {
		if err != nil {
			return explain(err)
		}
		switch event := event.Event.(type) {
		case *lunapb.InteractResponse_Emotion:
			fmt.Fprintf(os.Stderr, "[%s %.2f]\n", event.Emotion.GetEmotion(), event.Emotion.GetConfidence())
		case *lunapb.InteractResponse_LlmChunk:
			fmt.Print(event.LlmChunk.GetText())
		case *lunapb.InteractResponse_Complete:
			fmt.Println()
		}
	}
	return nil
}

func explain(err error) error {
	var failed *luna.Error
	if errors.As(err, &failed) && failed.Retryable {
		return fmt.Errorf("%w (the same question may be answered later)", err)
	}
	return err
}
