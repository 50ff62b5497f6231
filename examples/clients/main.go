// Prints the active releases of a project.
package main

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"os"

	"connectrpc.com/connect"

	forest "example.com/client/gen/forest/v1"
	"example.com/client/gen/forest/v1/forestv1connect"
)

func main() {
	client := forestv1connect.NewReleaseServiceClient(http.DefaultClient, os.Getenv("FORAGE_URL"))
	project := os.Args[2]
	request := connect.NewRequest(&forest.GetReleaseIntentStatesRequest{Organisation: os.Args[1], Project: &project})
	request.Header().Set("Authorization", "Bearer "+os.Getenv("FORAGE_TOKEN"))
	answer, err := client.GetReleaseIntentStates(context.Background(), request)
	if err != nil {
		log.Fatal(err)
	}
	for _, intent := range answer.Msg.ReleaseIntents {
		fmt.Println(intent.ReleaseIntentId, intent.Slug)
	}
}
