// Package luna talks to luna, the conversation server, over gRPC.
package luna

import (
	"context"
	"io"
	"iter"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"

	"luna.example/client/go/lunapb"
)

// Client is luna at an address. It serves any number of goroutines. Its connection carries 100 calls
// at once; more of them wait for their turn, so a busy program has several clients.
//
// Its services are those of the contract, as gRPC has them. Each of their errors is an *Error, which
// status.Code and status.FromError know too; nothing is ever sent twice.
type Client struct {
	Interaction lunapb.InteractionServiceClient
	Emotion     lunapb.EmotionServiceClient
	Generation  lunapb.GenerationServiceClient
	Memory      lunapb.MemoryServiceClient
	Cache       lunapb.CacheServiceClient
	Translation lunapb.TranslationServiceClient

	conn *grpc.ClientConn
}

// Dial gives a client of an address such as "localhost:50051". It connects with the first call, in
// clear text and past any proxy, unless an option says otherwise (grpc.WithTransportCredentials,
// where a proxy in front of luna speaks TLS).
func Dial(address string, options ...grpc.DialOption) (*Client, error) {
	conn, err := grpc.NewClient(address, append([]grpc.DialOption{
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithNoProxy(),
		// One that was started anew is found soon.
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: 100 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: time.Second},
			MinConnectTimeout: 20 * time.Second,
		}),
		// One that has vanished is noticed.
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: time.Minute, Timeout: 20 * time.Second}),
		grpc.WithChainUnaryInterceptor(convertErrors),
		grpc.WithChainStreamInterceptor(convertStreamErrors),
	}, options...)...)
	if err != nil {
		return nil, err
	}
	return &Client{
		Interaction: lunapb.NewInteractionServiceClient(conn),
		Emotion:     lunapb.NewEmotionServiceClient(conn),
		Generation:  lunapb.NewGenerationServiceClient(conn),
		Memory:      lunapb.NewMemoryServiceClient(conn),
		Cache:       lunapb.NewCacheServiceClient(conn),
		Translation: lunapb.NewTranslationServiceClient(conn),
		conn:        conn,
	}, nil
}

// WithToken says with each call who makes it, where the server wants to know; an empty token says nothing.
func WithToken(token string) grpc.DialOption {
	return grpc.WithPerRPCCredentials(bearer(token))
}

// Close cancels what is still running.
func (c *Client) Close() error {
	return c.conn.Close()
}

// Interact says something, and gives each event as it comes: the emotion, the translation, the answer
// in pieces; the last one has `complete`. One that fails ends in an *Error.
//
// Each range over the result asks anew. Leaving the loop, and the end of ctx, cancel the call, and
// with it the model's work.
func (c *Client) Interact(ctx context.Context, request *lunapb.InteractRequest) iter.Seq2[*lunapb.InteractResponse, error] {
	return func(yield func(*lunapb.InteractResponse, error) bool) {
		var said strings.Builder
		var failed *lunapb.Error // its status comes next
		for event, err := range responses(ctx, c.Interaction.Interact, request) {
			if err != nil {
				yield(nil, afterEvents(ctx, err, failed, said.String()))
				return
			}
			if failed = event.GetError(); failed != nil {
				continue
			}
			said.WriteString(event.GetLlmChunk().GetText())
			if !yield(event, nil) {
				return
			}
		}
	}
}

// Generate asks a model directly, and gives its answer in pieces, the last one with a finish reason. It
// ends as Interact does.
func (c *Client) Generate(ctx context.Context, request *lunapb.GenerateStreamRequest) iter.Seq2[*lunapb.GenerateStreamResponse, error] {
	return func(yield func(*lunapb.GenerateStreamResponse, error) bool) {
		var said strings.Builder
		for piece, err := range responses(ctx, c.Generation.GenerateStream, request) {
			if err != nil {
				yield(nil, afterEvents(ctx, err, nil, said.String()))
				return
			}
			for _, choice := range piece.GetChoices() {
				said.WriteString(choice.GetDelta().GetContent())
			}
			if !yield(piece, nil) {
				return
			}
		}
	}
}

// Export gives all of a user's memory. One that ends in an error is not whole.
func (c *Client) Export(ctx context.Context, request *lunapb.ExportRequest) iter.Seq2[*lunapb.ExportResponse, error] {
	return responses(ctx, c.Memory.Export, request)
}

// responses are those of one call, which ends with the loop.
func responses[Request, Response any](
	ctx context.Context,
	method func(context.Context, *Request, ...grpc.CallOption) (grpc.ServerStreamingClient[Response], error),
	request *Request,
) iter.Seq2[*Response, error] {
	return func(yield func(*Response, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		stream, err := method(ctx, request)
		if err != nil {
			yield(nil, err)
			return
		}
		for {
			response, err := stream.Recv()
			if err == io.EOF || !yield(response, err) || err != nil {
				return
			}
		}
	}
}

// bearer is a token that may cross the network in clear text: luna listens on loopback.
type bearer string

func (token bearer) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	if token == "" {
		return nil, nil
	}
	return map[string]string{"authorization": "Bearer " + string(token)}, nil
}

func (bearer) RequireTransportSecurity() bool { return false }
