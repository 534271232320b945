package api

import (
	"io"
	"net/http"
	"time"
)

// lingering is how long the server goes on reading a body that its handler did not want, so that the client gets to
// read the answer before the connection ends.
const lingering = 2 * time.Second

// measured counts requests and keeps clients from holding a connection with a body that nobody reads.
func (m *metrics) measured(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		begin := time.Now()
		m.inFlight.Inc()
		x := exchange{ResponseWriter: w, body: r.Body, read: r.Body == http.NoBody}
		if !x.read {
			r.Body = &x
		}
		defer func() {
			if !x.read {
				http.NewResponseController(w).SetReadDeadline(time.Now().Add(lingering))
			}
			m.inFlight.Dec()
			s := m.of(labels{route: r.Pattern, code: x.code()})
			s.requests.Inc()
			s.seconds.Observe(time.Since(begin).Seconds())
		}()
		next.ServeHTTP(&x, r)
	})
}

// exchange is a request's body and answer as they pass: it remembers whether the body was read to its end, and the
// status. Unwrap lets http.ResponseController through.
type exchange struct {
	http.ResponseWriter
	status int
	body   io.ReadCloser
	read   bool
}

func (x *exchange) Read(b []byte) (int, error) {
	n, err := x.body.Read(b)
	if err == io.EOF {
		x.read = true
	}
	return n, err
}

func (x *exchange) Close() error { return x.body.Close() }

func (x *exchange) WriteHeader(status int) {
	if x.status == 0 && status >= 200 {
		x.status = status
	}
	x.ResponseWriter.WriteHeader(status)
}

func (x *exchange) Unwrap() http.ResponseWriter { return x.ResponseWriter }

func (x *exchange) code() int {
	if x.status == 0 {
		return http.StatusOK
	}
	return x.status
}
