package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestAddressOfAServer(t *testing.T) {
	for base, want := range map[string]string{
		"http://127.0.0.1:8080": "http://127.0.0.1:8080/v1/people", "https://cx.example.com/": "https://cx.example.com/v1/people",
		"127.0.0.1:8080": "", "cx.example.com": "", "": "", "http://": "",
	} {
		got, err := address(base, "/v1/people")
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v", base, got, err)
		}
	}
}

// Who asks the wrong server hears so, and not what went wrong inside.
func TestTheWrongServer(t *testing.T) {
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>")) }))
	var into any
	if err := (serverFlags{URL: other.URL}).call(t.Context(), http.MethodGet, "/v1/people", nil, &into); err == nil || !strings.Contains(err.Error(), "see --url") {
		t.Error(err)
	}
	other.Close()
	if err := (serverFlags{URL: other.URL}).call(t.Context(), http.MethodGet, "/v1/people", nil, &into); err == nil || !strings.Contains(err.Error(), "nobody answers at") {
		t.Error(err)
	}
	if _, err := operate[struct{}](t.Context(), other.URL, "/v1/audit", ""); err == nil || !strings.Contains(err.Error(), "nobody answers at") {
		t.Error(err)
	}
}
