package api

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

func start(t *testing.T, h http.Handler, change func(*Config)) *Server {
	t.Helper()
	c := DefaultConfig()
	if change != nil {
		change(&c)
	}
	s, err := NewServer(c, h)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return s
}

// echo answers with the number of bytes of the body, or with the error of reading it.
func echo(b *Bodies) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := b.Read(w, r)
		if err != nil {
			Problem(w, r, http.StatusBadRequest, "", err.Error())
			return
		}
		defer body.Release()
		fmt.Fprint(w, len(body.Bytes))
	})
}

// works fails the test unless the server answers.
func works(t *testing.T, s *Server) {
	t.Helper()
	client := http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Post("http://"+s.Addr()+"/", "text/plain", strings.NewReader("abc"))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, _ := io.ReadAll(resp.Body); string(body) != "3" {
		t.Fatalf("%d %s", resp.StatusCode, body)
	}
}

func dial(t *testing.T, s *Server, text string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", s.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
	return c
}

// ended waits until the server has closed the connection, and returns what it said.
func ended(t *testing.T, c net.Conn) string {
	t.Helper()
	c.SetReadDeadline(time.Now().Add(20 * time.Second))
	said, err := io.ReadAll(c)
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		t.Fatal("the server holds on to the connection")
	}
	return string(said)
}

func TestSlowClientsAreLetGo(t *testing.T) {
	bodies := DefaultBodiesConfig()
	bodies.Patience = 500 * time.Millisecond
	b := NewBodies(bodies)
	mux := http.NewServeMux()
	mux.Handle("/", echo(b))
	mux.HandleFunc("/unread", func(w http.ResponseWriter, r *http.Request) { Problem(w, r, http.StatusUnauthorized, "", "no") })
	s := start(t, mux, func(c *Config) { c.HeaderTimeout = 500 * time.Millisecond })
	for name, text := range map[string]string{
		"says nothing":                      "",
		"stops in the header":               "POST / HTTP/1.1\r\nHost: x\r\n",
		"stops in the body":                 "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc",
		"stops before the body":             "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 8000000\r\n\r\n",
		"stops in a chunk":                  "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
		"stops in a body that nobody reads": "POST /unread HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := dial(t, s, text)
			works(t, s)
			said := ended(t, c)
			if strings.Contains(name, "in the body") && !strings.Contains(said, ErrBodySlow.Error()) {
				t.Errorf("said %q", said)
			}
			if strings.Contains(name, "nobody reads") && !strings.Contains(said, "401") {
				t.Errorf("said %q", said)
			}
		})
	}
	t.Cleanup(func() {
		if n := b.InFlight(); n != 0 {
			t.Errorf("%d bytes are still in flight", n)
		}
	})
}

// TestASlowButSteadyBodyIsTaken: patience is for the next 64 KiB, not for the whole.
func TestASlowButSteadyBodyIsTaken(t *testing.T) {
	bodies := DefaultBodiesConfig()
	bodies.Patience = time.Second
	s := start(t, echo(NewBodies(bodies)), nil)
	const parts, part = 12, 80 << 10
	c := dial(t, s, fmt.Sprintf("POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %d\r\n\r\n", parts*part))
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for range parts {
		<-tick.C
		if _, err := c.Write(make([]byte, part)); err != nil {
			t.Fatal(err)
		}
	}
	if said := ended(t, c); !strings.HasSuffix(said, fmt.Sprint(parts*part)) {
		t.Fatalf("said %q", said)
	}
}

func TestAnIdleConnectionMakesRoom(t *testing.T) {
	entered, leave := make(chan bool), make(chan bool)
	mux := http.NewServeMux()
	mux.Handle("/", echo(NewBodies(DefaultBodiesConfig())))
	mux.HandleFunc("/wait", func(w http.ResponseWriter, r *http.Request) { entered <- true; <-leave })
	s := start(t, mux, func(c *Config) { c.MaxConnections = 4 })
	busy := dial(t, s, "GET /wait HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
	<-entered
	var idle []net.Conn
	for range 10 {
		idle = append(idle, dial(t, s, ""))
	}
	works(t, s)
	for _, c := range idle[:6] {
		ended(t, c)
	}
	close(leave)
	if said := ended(t, busy); !strings.HasPrefix(said, "HTTP/1.1 200") {
		t.Fatalf("the request under way was cut off: %q", said)
	}
}

// TestIdleConnections: ten thousand clients that hold a connection and say nothing more, and others do not notice. They
// live in a process of their own, because both ends together are more files than one process may have.
func TestIdleConnections(t *testing.T) {
	n := 10_000
	if testing.Short() {
		n = 1_000
	}
	registry := prometheus.NewRegistry()
	s := start(t, echo(NewBodies(DefaultBodiesConfig())), func(c *Config) { c.Registerer, c.HeaderTimeout = registry, 5*time.Minute })
	child := exec.Command(os.Args[0], "-test.run=^TestIdleClients$")
	child.Env = append(os.Environ(), "THROUGHLINE_IDLE_CLIENTS="+fmt.Sprint(n), "THROUGHLINE_IDLE_SERVER="+s.Addr())
	stdin, err := child.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { stdin.Close(); child.Wait() }()
	lines := bufio.NewScanner(stdout)
	for lines.Scan() && lines.Text() != "idle" {
		if strings.HasPrefix(lines.Text(), "error") {
			t.Fatal(lines.Text())
		}
	}
	if open := openConnections(t, registry); open < float64(n) {
		t.Fatalf("%v connections are open, want %d", open, n)
	}
	for range 200 {
		works(t, s)
	}
	if open := openConnections(t, registry); open < float64(n) {
		t.Fatalf("%v connections are left of %d", open, n)
	}
}

func openConnections(t *testing.T, g prometheus.Gatherer) float64 {
	t.Helper()
	families, err := g.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == "throughline_http_connections" {
			return f.GetMetric()[0].GetGauge().GetValue()
		}
	}
	t.Fatal("no gauge of connections")
	return 0
}

// TestIdleClients is the other end of TestIdleConnections: half of its connections have sent a request, half nothing.
// Whoever sends far too much without looking up hears what was wrong, and does not find the connection reset.
func TestTooMuchIsAnsweredToWhoWritesOn(t *testing.T) {
	s := start(t, echo(NewBodies(DefaultBodiesConfig())), nil)
	const size = 40 << 20
	for name, head := range map[string]string{"announced": fmt.Sprintf("Content-Length: %d\r\n\r\n", size), "in one chunk": fmt.Sprintf("Transfer-Encoding: chunked\r\n\r\n%x\r\n", size)} {
		c, err := net.Dial("tcp", s.Addr())
		if err != nil {
			t.Fatal(err)
		}
		_ = c.SetDeadline(time.Now().Add(30 * time.Second))
		if _, err := io.WriteString(c, "POST / HTTP/1.1\r\nHost: x\r\n"+head); err != nil {
			t.Fatal(err)
		}
		piece := make([]byte, 1<<20)
		for range size / len(piece) {
			if _, err := c.Write(piece); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			time.Sleep(5 * time.Millisecond)
		}
		answer, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil || answer.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: %v %v", name, answer, err)
		}
		_ = c.Close()
	}
	works(t, s)
}

func TestIdleClients(t *testing.T) {
	var n int
	if fmt.Sscan(os.Getenv("THROUGHLINE_IDLE_CLIENTS"), &n); n == 0 {
		t.Skip("is run by TestIdleConnections")
	}
	conns := make([]net.Conn, n)
	for i := range conns {
		c, err := net.Dial("tcp", os.Getenv("THROUGHLINE_IDLE_SERVER"))
		if err != nil {
			fmt.Println("error", err)
			return
		}
		defer c.Close()
		if conns[i] = c; i%2 == 0 {
			continue
		}
		io.WriteString(c, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc")
		if _, err := http.ReadResponse(bufio.NewReader(c), nil); err != nil {
			fmt.Println("error", err)
			return
		}
	}
	fmt.Println("idle")
	io.Copy(io.Discard, os.Stdin)
}

func TestDrain(t *testing.T) {
	entered, leave := make(chan bool), make(chan bool)
	c := DefaultConfig()
	s, err := NewServer(c, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		entered <- true
		<-leave
		fmt.Fprint(w, "done")
	}))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	busy := dial(t, s, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	<-entered
	cancel()
	deadline := time.Now().Add(20 * time.Second)
	for { // new connections are refused
		c, err := net.Dial("tcp", s.Addr())
		if err != nil {
			break
		}
		c.Close()
		if time.Now().After(deadline) {
			t.Fatal("the server still listens")
		}
	}
	close(leave)
	if said := ended(t, busy); !strings.HasSuffix(said, "done") {
		t.Fatalf("the request under way was cut off: %q", said)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

func TestProblem(t *testing.T) {
	registry := prometheus.NewRegistry()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/{id}", func(w http.ResponseWriter, r *http.Request) {
		Problem(w, r, http.StatusUnprocessableEntity, "from", "is after to")
	})
	s := start(t, mux, func(c *Config) { c.Registerer = registry })
	resp, err := http.Get("http://" + s.Addr() + "/v1/17")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var doc Document
	if err := json.NewDecoder(resp.Body).Decode(&doc); err != nil {
		t.Fatal(err)
	}
	if want := (Document{"about:blank", "Unprocessable Entity", 422, "is after to", "from", "/v1/17"}); doc != want {
		t.Errorf("%+v", doc)
	}
	want := `# HELP throughline_http_requests_total Requests answered, by route and status.
# TYPE throughline_http_requests_total counter
throughline_http_requests_total{code="422",route="GET /v1/{id}"} 1
`
	if err := testutil.GatherAndCompare(registry, strings.NewReader(want), "throughline_http_requests_total"); err != nil {
		t.Error(err)
	}
}

func TestConfigIsValidated(t *testing.T) {
	for name, change := range map[string]func(*Config){
		"listen":      func(c *Config) { c.Listen = "8080" },
		"connections": func(c *Config) { c.MaxConnections = 0 },
		"timeouts":    func(c *Config) { c.IdleTimeout = 0 },
		"header":      func(c *Config) { c.MaxHeaderBytes = 0 },
	} {
		c := DefaultConfig()
		change(&c)
		if _, err := NewServer(c, nil); err == nil {
			t.Errorf("a bad %s is taken", name)
		}
	}
}
