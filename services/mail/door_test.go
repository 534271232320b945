package mail

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"github.com/throughline/throughline/schemas/registry"
	"github.com/throughline/throughline/schemas/touchpoint"
	"github.com/throughline/throughline/services/client"
	"github.com/throughline/throughline/streams/mail"
)

const rules = `
workspaces:
  - name: default
    receive: [support@example.com, "@help.example.com"]
  - name: shop
    receive: [orders@shop.example]
limits: {size: 1000000}
`

// door stands for a running Throughline.
type door struct {
	*httptest.Server
	mu     sync.Mutex
	stored map[string][]touchpoint.Touchpoint // by workspace
	answer func(w http.ResponseWriter) bool   // true: it has answered
}

func openDoor(t *testing.T) *door {
	d := &door{stored: map[string][]touchpoint.Touchpoint{}}
	d.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		d.mu.Lock()
		defer d.mu.Unlock()
		if d.answer != nil && d.answer(w) {
			return
		}
		tp, _, why := touchpoint.Decode(body, &touchpoint.Options{Now: time.Now().UnixMilli(), Registry: registry.Default()})
		if why != nil {
			t.Errorf("the door refuses it: %v\n%s", why, body)
		}
		workspace := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer key of ")
		d.stored[workspace] = append(d.stored[workspace], tp)
		w.WriteHeader(http.StatusAccepted)
		fmt.Fprint(w, `{"accepted":1,"rejected":[]}`)
	}))
	t.Cleanup(d.Close)
	return d
}

// when sets how the door answers.
func (d *door) when(answer func(w http.ResponseWriter) bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.answer = answer
}

func (d *door) count(workspace string) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.stored[workspace])
}

// start runs a server until the test ends.
func start(t *testing.T, d *door, change ...func(*Config)) (s *Server, stop func()) {
	t.Helper()
	c := DefaultConfig()
	parsed, err := mail.ParseRules([]byte(rules))
	if err != nil {
		t.Fatal(err)
	}
	c.Rules, c.SMTP, c.LMTP, c.Idle, c.Drain = parsed, "127.0.0.1:0", "127.0.0.1:0", 10*time.Second, 5*time.Second
	c.Logger = slog.New(slog.NewTextHandler(t.Output(), nil))
	door := DefaultDoor()
	door.URL, door.RetryFor, door.Backoff = d.URL, 50*time.Millisecond, time.Millisecond
	c.Doors = map[string]client.Config{}
	for _, w := range parsed.Workspaces {
		door.Key = "key of " + w.Name
		c.Doors[w.Name] = door
	}
	for _, f := range change {
		f(&c)
	}
	if s, err = NewServer(c); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := s.Run(ctx); err != nil {
			t.Errorf("run: %v", err)
		}
	}()
	stop = sync.OnceFunc(func() { cancel(); <-done })
	t.Cleanup(stop)
	return s, stop
}

func connect(t *testing.T, s *Server) *smtp.Client {
	t.Helper()
	c, err := smtp.Dial(s.SMTPAddr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func text(id, more string) string {
	return "From: Anna <anna@customer.example>\r\nTo: support@example.com\r\nMessage-ID: <" + id + "@customer.example>\r\nDate: Fri, 20 Nov 2026 10:00:00 +0000\r\n\r\n" + more + "\r\n"
}

// code is what the server has answered.
func code(err error) int {
	var answer *smtp.SMTPError
	switch {
	case err == nil:
		return 250
	case errors.As(err, &answer):
		return answer.Code
	}
	return 0
}

func certificate(t *testing.T) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}
