package main

import (
	"io"
	"net/http"
)

// What a URL gives to those who have no keys.
func fetch(url string) []byte {
	answer := must(http.Get(url))
	defer answer.Body.Close()
	return must(io.ReadAll(answer.Body))
}
