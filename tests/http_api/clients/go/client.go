// Go's net/http as it comes.
package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
)

func post(url string, key string, body io.Reader) {
	request, _ := http.NewRequest("POST", url, body)
	request.Header.Set("X-License-Key", key)
	request.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		panic(err)
	}
	io.Copy(io.Discard, answer.Body)
	answer.Body.Close()
	fmt.Println(answer.StatusCode)
}

func main() {
	url, key := os.Args[1], os.Args[2]
	post(url+"/api/messages/", key, strings.NewReader(os.Args[3]))
	post(url+"/api/messages/bulk/", key, strings.NewReader(os.Args[4]))
	post(url+"/api/messages/", key, io.MultiReader(strings.NewReader(os.Args[5]))) // in chunks
}
