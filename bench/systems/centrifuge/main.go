// A chat's fan-out by the Centrifuge library. Messages come by HTTP, and readers get them over its
// SSE handler.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"time"

	"github.com/centrifugal/centrifuge"
)

func main() {
	gather := flag.Duration("gather", 0, "how long messages for a reader are collected before they are written")
	flag.Parse()

	node, err := centrifuge.New(centrifuge.Config{})
	if err != nil {
		log.Fatal(err)
	}
	node.OnConnecting(func(_ context.Context, event centrifuge.ConnectEvent) (centrifuge.ConnectReply, error) {
		return enter(event, *gather)
	})
	if err := node.Run(); err != nil {
		log.Fatal(err)
	}

	// Readers of SSE alone cannot answer a ping, so no answer is awaited. The pings themselves stay.
	readers := centrifuge.SSEConfig{PingPongConfig: centrifuge.PingPongConfig{PongTimeout: -1}}
	http.Handle("GET /events", centrifuge.NewSSEHandler(node, readers))
	http.HandleFunc("POST /messages", func(w http.ResponseWriter, r *http.Request) { publish(node, w, r) })

	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	log.Fatal(http.Serve(listener, nil))
}

// Anyone may come, and reads the room that the connect command names.
func enter(event centrifuge.ConnectEvent, gather time.Duration) (centrifuge.ConnectReply, error) {
	var wish struct {
		Room string `json:"room"`
	}
	if err := json.Unmarshal(event.Data, &wish); err != nil {
		return centrifuge.ConnectReply{}, centrifuge.DisconnectBadRequest
	}
	return centrifuge.ConnectReply{
		Credentials:        &centrifuge.Credentials{},
		Subscriptions:      map[string]centrifuge.SubscribeOptions{wish.Room: {}},
		WriteDelay:         gather,
		WriteWithTimer:     true,
		MaxMessagesInFrame: -1, // its 16 would hold a reader who gathers 50 ms to 320 messages a second
	}, nil
}

func publish(node *centrifuge.Node, w http.ResponseWriter, r *http.Request) {
	message, err := io.ReadAll(r.Body)
	if err == nil {
		_, err = node.Publish(r.URL.Query().Get("room"), message)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}
