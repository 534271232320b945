package api

import (
	"io"
	"net/http"
	"time"
)

// What the server goes on reading of a body that its handler did not want, so that a client that writes on until it is done gets to
// read the answer before the connection ends: as long as something comes within lingering, but not for ever.
const (
	lingering    = 2 * time.Second
	lingersMost  = 10 * time.Second
	lingersBytes = 256 << 20
)

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
			m.inFlight.Dec()
			s := m.of(labels{route: r.Pattern, code: x.code()})
			s.requests.Inc()
			s.seconds.Observe(time.Since(begin).Seconds())
			if !x.read {
				x.linger(http.NewResponseController(w))
			}
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

// linger sends the answer and passes over what is left of the body. The server's own patience ends with 256 KiB: a client that has more to say
// would find the connection reset, and not what was wrong.
func (x *exchange) linger(control *http.ResponseController) {
	end := time.Now().Add(lingersMost)
	if control.SetReadDeadline(time.Now().Add(lingering)) != nil || x.status == 0 || control.Flush() != nil {
		return
	}
	for passed := int64(0); passed < lingersBytes && time.Now().Before(end); {
		n, err := io.CopyN(io.Discard, x.body, progress)
		if passed += n; err != nil {
			return
		}
		_ = control.SetReadDeadline(time.Now().Add(lingering))
	}
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
