// A gRPC client in Go: a chat, a streamed chat, and an error with its reason.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	pb "dragoman.example/gen"
)

func environment(name, otherwise string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return otherwise
}

func question(model, text string) *pb.ChatRequest {
	part := &pb.Part{Kind: &pb.Part_Text{Text: text}}
	return &pb.ChatRequest{
		Model:    model,
		Messages: []*pb.Message{{Role: pb.Role_ROLE_USER, Parts: []*pb.Part{part}}},
	}
}

func stream(ctx context.Context, gateway pb.GatewayServiceClient, chat *pb.ChatRequest) error {
	batches, err := gateway.Stream(ctx, &pb.StreamRequest{Chat: chat})
	if err != nil {
		return err
	}
	for {
		batch, err := batches.Recv()
		if errors.Is(err, io.EOF) {
			fmt.Println()
			return nil
		}
		if err != nil {
			return err
		}
		for _, event := range batch.GetEvents() {
			fmt.Print(event.GetPartDelta().GetText())
		}
	}
}

// reasonOf gives the name of the contract's enum Reason, from the status details (errors.proto).
func reasonOf(failure *status.Status) string {
	for _, detail := range failure.Details() {
		if info, ok := detail.(*errdetails.ErrorInfo); ok {
			return info.GetReason()
		}
	}
	return ""
}

func main() {
	connection, err := grpc.Dial(environment("DRAGOMAN_TARGET", "127.0.0.1:50051"), grpc.WithInsecure())
	if err != nil {
		log.Fatal(err)
	}
	defer connection.Close()
	gateway := pb.NewGatewayServiceClient(connection)
	model := environment("DRAGOMAN_MODEL", "demo/echo")

	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if key := os.Getenv("DRAGOMAN_API_KEY"); key != "" {
		ctx = metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+key)
	}

	answer, err := gateway.Chat(ctx, question(model, "Hello from Go"))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(answer.GetCandidates()[0].GetParts()[0].GetText())
	usage := answer.GetUsage()
	fmt.Printf("%d + %d tokens from %s\n", usage.GetInputTokens(), usage.GetOutputTokens(), answer.GetRoute().GetProvider())

	if err := stream(ctx, gateway, question(model, "Streamed to Go")); err != nil {
		log.Fatal(err)
	}

	_, err = gateway.Chat(ctx, question("demo/no-such-model", "Hello?"))
	failure := status.Convert(err)
	fmt.Printf("%s: %s\n", failure.Code(), reasonOf(failure))
}
