package load

import (
	"bytes"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"
)

// proxy stands between the loader and the engine and does to inserts of facts what a network or a dying server does.
type proxy struct {
	server *httptest.Server
	mu     sync.Mutex
	rule   func(token string) fault
	tokens []string // of inserts of facts that came by

	asleep, wake chan struct{} // for those that hold: closed when it holds; hold on until closed
}

// fault is what happens to a request.
type fault int

const (
	none       fault = iota
	refuse           // 503, not carried out
	dropBefore       // the connection breaks, not carried out
	dropAfter        // carried out, then the connection breaks
	holdBefore       // held, then carried out
	holdAfter        // carried out, the answer is held
	holdRefuse       // held, then 503, not carried out
)

func newProxy(t testing.TB, target string) *proxy {
	t.Helper()
	u, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{}
	forward := httputil.NewSingleHostReverseProxy(u)
	forward.ErrorLog = log.New(io.Discard, "", 0)
	p.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token := r.URL.Query().Get("insert_deduplication_token")
		f := none
		p.mu.Lock()
		if token != "" {
			p.tokens = append(p.tokens, token)
		}
		if p.rule != nil {
			f = p.rule(token)
		}
		p.mu.Unlock()
		switch f {
		case refuse:
			_, _ = io.Copy(io.Discard, r.Body)
			http.Error(w, "no", http.StatusServiceUnavailable)
		case dropBefore:
			panic(http.ErrAbortHandler)
		case dropAfter:
			forward.ServeHTTP(httptest.NewRecorder(), r)
			panic(http.ErrAbortHandler)
		case holdBefore:
			body, err := io.ReadAll(r.Body)
			if err != nil {
				panic(http.ErrAbortHandler)
			}
			close(p.asleep)
			<-p.wake
			late, err := http.NewRequest(r.Method, target+r.URL.RequestURI(), bytes.NewReader(body))
			if err != nil {
				panic(err)
			}
			late.Header = r.Header.Clone()
			if answer, err := http.DefaultClient.Do(late); err == nil {
				_ = answer.Body.Close()
			}
			panic(http.ErrAbortHandler)
		case holdRefuse:
			_, _ = io.Copy(io.Discard, r.Body)
			close(p.asleep)
			<-p.wake
			http.Error(w, "no", http.StatusServiceUnavailable)
		case holdAfter:
			forward.ServeHTTP(httptest.NewRecorder(), r)
			close(p.asleep)
			<-p.wake
			panic(http.ErrAbortHandler)
		default:
			forward.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(p.server.Close)
	return p
}

func (p *proxy) URL() string { return p.server.URL }

// on sets what happens to requests from now on; the token is empty for all but inserts of facts.
func (p *proxy) on(rule func(token string) fault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rule = rule
}

func (p *proxy) seen(part string) (n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, t := range p.tokens {
		if strings.Contains(t, part) {
			n++
		}
	}
	return n
}
