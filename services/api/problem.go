// Package api is what the HTTP doors share: a server that slow, half-open and idle clients cannot exhaust, keys,
// bodies within bounds, and problem documents.
package api

import (
	"encoding/json"
	"net/http"
)

// Document is a problem document (RFC 9457) with the field that is at fault.
type Document struct {
	Type     string `json:"type"`
	Title    string `json:"title"`
	Status   int    `json:"status"`
	Detail   string `json:"detail"`
	Field    string `json:"field,omitempty"`
	Instance string `json:"instance"`
}

// ProblemType is the media type of problem documents.
const ProblemType = "application/problem+json"

// Problem answers with a problem document. field names the parameter, header or field at fault, or is empty; detail
// says what is wrong with it and what would be right.
func Problem(w http.ResponseWriter, r *http.Request, status int, field, detail string) {
	WriteProblem(w, status, NewDocument(r, status, field, detail))
}

// Gone answers what ended because the client closed its side of the connection. Some that do still read, and an answer that is left out
// reaches them as an empty 200.
func Gone(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Retry-After", "1")
	Problem(w, r, http.StatusServiceUnavailable, "", "the connection was closed before the answer was there; try again, and keep it open until the answer comes")
}

// NewDocument fills a problem document for the request. A type that embeds it adds members of its own.
func NewDocument(r *http.Request, status int, field, detail string) Document {
	return Document{Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: detail, Field: field,
		Instance: r.URL.Path}
}

// WriteProblem answers with doc, which is a Document or embeds one.
func WriteProblem(w http.ResponseWriter, status int, doc any) {
	h := w.Header()
	h.Set("Content-Type", ProblemType)
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(doc) // an error here is a client that went away
}
