package luna

import (
	"context"
	"io"
	"time"

	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"luna.example/client/go/lunapb"
)

// Error is how a call fails; errors.As finds it. status.Code gives its gRPC code. It wraps
// context.Canceled or context.DeadlineExceeded where the caller's own context ended the call.
type Error struct {
	// A code of luna's contract (server/README.md), such as "UPSTREAM_TIMEOUT"; the name of the gRPC code,
	// such as "UNAVAILABLE", where it was not luna that failed the call.
	Code string
	// For a person, in the request's language.
	Message string
	// The same request may succeed later.
	Retryable bool
	// How long to wait before that; 0 where nothing is known.
	RetryAfter time.Duration
	// Of a stream: "first_token", before the model said anything, or "stream"; else empty.
	Stage string
	// What of the answer had arrived.
	TextSoFar string

	status *status.Status
	cause  error
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }

// GRPCStatus is what package status reads.
func (e *Error) GRPCStatus() *status.Status { return e.status }

// Unwrap gives what the caller's own context says.
func (e *Error) Unwrap() error { return e.cause }

// newError reads a status that is not OK, with the google.rpc details that luna adds to its own. ctx is
// the caller's.
func newError(ctx context.Context, err error) *Error {
	failed := status.Convert(err)
	result := &Error{
		Code:      code.Code(failed.Code()).String(),
		Message:   failed.Message(),
		Retryable: isRetryable(failed.Code()),
		status:    failed,
	}
	for _, detail := range failed.Details() {
		switch detail := detail.(type) {
		case *errdetails.ErrorInfo:
			result.Code = detail.GetReason()
			result.Retryable = detail.GetMetadata()["retryable"] == "true"
		case *errdetails.RetryInfo:
			result.RetryAfter = detail.GetRetryDelay().AsDuration()
		}
	}
	switch result.Code {
	case code.Code_CANCELLED.String():
		result.cause = ctx.Err()
	case code.Code_DEADLINE_EXCEEDED.String():
		// The server knows the deadline, and may say first that it is over.
		if _, limited := ctx.Deadline(); limited {
			result.cause = context.DeadlineExceeded
		}
	}
	return result
}

// isRetryable is of a failure that is gRPC's own and not luna's.
func isRetryable(code codes.Code) bool {
	return code == codes.Unavailable || code == codes.DeadlineExceeded
}

// afterEvents adds to a stream's error what its events said: the `error` event, where there was one, and
// the text before it.
func afterEvents(ctx context.Context, err error, event *lunapb.Error, said string) error {
	result := newError(ctx, err)
	result.TextSoFar = said
	if event != nil {
		result.Code = event.GetCode()
		result.Message = event.GetMessage()
		result.Retryable = event.GetRetryable()
		result.RetryAfter = time.Duration(event.GetRetryAfterMs()) * time.Millisecond
		result.Stage = event.GetStage()
		result.TextSoFar = event.GetTextSoFar()
	}
	return result
}

func convertErrors(
	ctx context.Context, method string, request, response any,
	conn *grpc.ClientConn, invoke grpc.UnaryInvoker, options ...grpc.CallOption,
) error {
	if err := invoke(ctx, method, request, response, conn, options...); err != nil {
		return newError(ctx, err)
	}
	return nil
}

func convertStreamErrors(
	ctx context.Context, description *grpc.StreamDesc,
	conn *grpc.ClientConn, method string, open grpc.Streamer, options ...grpc.CallOption,
) (grpc.ClientStream, error) {
	stream, err := open(ctx, description, conn, method, options...)
	if err != nil {
		return nil, newError(ctx, err)
	}
	return convertingStream{stream, ctx}, nil
}

// convertingStream is a stream whose failure is an *Error.
type convertingStream struct {
	grpc.ClientStream
	ctx context.Context // the caller's; the stream's own is cancelled once it has ended
}

func (s convertingStream) RecvMsg(message any) error {
	err := s.ClientStream.RecvMsg(message)
	if err == nil || err == io.EOF {
		return err
	}
	return newError(s.ctx, err)
}
