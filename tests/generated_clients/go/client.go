// Sends by the client that oapi-codegen made: URL, key and a prefix for the ids.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"os"

	smsgate "client/generated"
)

const phone, text = "+48600100200", "Zażółć"

func main() {
	url, key, prefix := os.Args[1], os.Args[2], os.Args[3]
	ctx := context.Background()
	client, err := smsgate.NewClientWithResponses(url, smsgate.WithRequestEditorFn(
		func(_ context.Context, request *http.Request) error {
			request.Header.Set("Authorization", "Bearer "+key)
			return nil
		}))
	check(err)

	start := "2036-04-10T09:00:00"
	single := smsgate.SingleMessage{ExternalId: prefix + "-0", Phone: phone, Message: text, SendAfter: &start}
	sent, err := client.SendMessageWithResponse(ctx, nil, single)
	check(err)
	batch, err := client.SendMessagesWithResponse(ctx, nil, smsgate.BulkMessages{Messages: items(prefix)})
	check(err)
	read, err := client.GetMessageWithResponse(ctx, sent.JSON201.Id)
	check(err)
	refused, err := client.SendMessageWithResponse(ctx, nil, single)
	check(err)

	reasons := []smsgate.SkipReason{}
	for _, item := range batch.JSON201.Skipped {
		reasons = append(reasons, item.Reason)
	}
	told, err := json.Marshal(map[string]any{
		"created": batch.JSON201.CreatedCount,
		"skipped": reasons,
		"status":  read.JSON200.Status,
		"year":    read.JSON200.CreatedAt.Year(),
		"refused": refused.JSON400.Code,
	})
	check(err)
	fmt.Println(string(told))
}

func items(prefix string) (made []smsgate.MessageItem) {
	for number := range 3 {
		id := fmt.Sprintf("%s-%d", prefix, number)
		made = append(made, smsgate.MessageItem{ExternalId: id, Phone: phone, Message: text})
	}
	return made
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
