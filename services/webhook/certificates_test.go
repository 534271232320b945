package webhook

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"net/textproto"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/throughline/throughline/streams/source"
	"github.com/throughline/throughline/streams/source/sourcetest"
)

const alexaName, alexaChain = "echo-api.amazon.com", "https://s3.amazonaws.com/echo.api/echo-api-cert-14.pem"

// amazon is where Amazon's certificates are, as a server of HTTPS that thinks it is s3.amazonaws.com.
type amazon struct {
	*sourcetest.Issuer
	asked  atomic.Int64
	answer atomic.Pointer[http.HandlerFunc]
	client *http.Client
}

func startAmazon(t *testing.T) *amazon {
	t.Helper()
	a := &amazon{Issuer: sourcetest.NewIssuer(t, 2020)}
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a.asked.Add(1)
		if r.URL.Path != "/echo.api/echo-api-cert-14.pem" {
			http.Error(w, "<Code>AccessDenied</Code>", http.StatusForbidden)
			return
		}
		(*a.answer.Load())(w, r)
	}))
	t.Cleanup(server.Close)
	a.client = server.Client()
	transport := a.client.Transport.(*http.Transport).Clone()
	transport.TLSClientConfig.InsecureSkipVerify = true // its own certificate is for example.com
	transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		if address != "s3.amazonaws.com:443" {
			t.Errorf("%s was asked", address)
		}
		return (&net.Dialer{}).DialContext(ctx, network, server.Listener.Addr().String())
	}
	t.Cleanup(transport.CloseIdleConnections)
	a.client.Transport = transport
	return a
}

func (a *amazon) serves(chain []byte) {
	a.says(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(chain) })
}

func (a *amazon) says(f http.HandlerFunc) { a.answer.Store(&f) }

// request is what Alexa sends, as a fixture.
func (a *amazon) request(t *testing.T, now time.Time, id, address string, sign func([]byte) string) sourcetest.Fixture {
	t.Helper()
	body := []byte(`{"version":"1.0","session":{"sessionId":"s","user":{"userId":"u"}},"request":{"type":"IntentRequest","requestId":"` + id +
		`","timestamp":"` + now.Format(time.RFC3339) + `","locale":"de-DE","intent":{"name":"WhereIsMyOrder"}}}`)
	return sourcetest.Fixture{Source: sourcetest.Load(t, "alexa"), Name: "alexa/" + id, Now: now, Request: &source.Request{Method: http.MethodPost,
		URL: "https://throughline.example/v1/sources/alexa/" + sourcetest.Key, Body: body,
		Headers: textproto.MIMEHeader{"Content-Type": {"application/json"}, "Signature-256": {sign(body)}, "Signaturecertchainurl": {address}}}}
}

func TestAlexaIsCheckedByAmazonsCertificate(t *testing.T) {
	a := startAmazon(t)
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	chain, sign := a.Signer(t, alexaName, now.AddDate(0, -1, 0), now.AddDate(0, 0, 1))
	d := openDoorWith(t, settingsFor(nil), func(c *Config) { c.HTTP, c.Roots = a.client, a.Roots })
	d.key(sourcetest.Key, "default", "alexa")
	send := func(what string, f sourcetest.Fixture, want int) {
		t.Helper()
		if status, body := d.send(f, sourcetest.Key); status != want {
			t.Errorf("%s: %d %s, want %d", what, status, body, want)
		}
	}

	// While the certificate cannot be had, the sender is to come again, and nothing is kept.
	a.says(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "slow down", http.StatusServiceUnavailable)
	})
	send("while Amazon is away", a.request(t, now, "r1", alexaChain, sign), http.StatusServiceUnavailable)
	a.says(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "https://evil.example/cert.pem", http.StatusFound)
	})
	send("led elsewhere", a.request(t, now, "r1", alexaChain, sign), http.StatusServiceUnavailable)
	if n, _ := d.stored(); n != 0 || d.count("alexa", noCertificate) != 2 {
		t.Errorf("%d records, %v counted", n, d.count("alexa", noCertificate))
	}

	// Then it is fetched once, however many ask.
	a.serves(chain)
	a.asked.Store(0)
	send("as Amazon signs it", a.request(t, now, "r1", alexaChain, sign), http.StatusOK)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if _, err := d.door.certificates.get(t.Context(), alexaChain, alexaName); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	send("again", a.request(t, now, "r1", strings.Replace(alexaChain, ".com/", ".com:443/", 1), sign), http.StatusOK)
	if n := a.asked.Load(); n != 1 {
		t.Errorf("fetched %d times", n)
	}
	if _, ids := d.stored(); len(ids) != 1 || !ids["default/alexa:r1"] {
		t.Errorf("stored %v", ids)
	}

	// What is forged is not let in, wherever it points.
	stranger := sourcetest.NewIssuer(t, 2020)
	_, strange := stranger.Signer(t, alexaName, now.AddDate(0, -1, 0), now.AddDate(1, 0, 0))
	send("signed by a stranger", a.request(t, now, "r2", alexaChain, strange), http.StatusUnauthorized)
	send("with a certificate that is not there", a.request(t, now, "r2", "https://s3.amazonaws.com/echo.api/mine.pem", sign), http.StatusUnauthorized)
	asked := a.asked.Load()
	send("with a certificate from elsewhere", a.request(t, now, "r2", "https://evil.example/echo.api/mine.pem", sign), http.StatusUnauthorized)
	late := a.request(t, now, "r2", alexaChain, sign)
	late.Now = now.Add(151 * time.Second)
	send("too late", late, http.StatusUnauthorized)
	if a.asked.Load() != asked {
		t.Error("somebody was asked about a request that is refused anyhow")
	}

	// A certificate that has expired is fetched again.
	later := now.AddDate(0, 0, 2)
	renewed, signLater := a.Signer(t, alexaName, now, later.AddDate(0, 0, 30))
	a.serves(renewed)
	send("with the next certificate", a.request(t, later, "r3", alexaChain, signLater), http.StatusOK)
}

func TestFewCertificatesAreKept(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	c := newCertificates(nil, nil, func() time.Time { return now })
	for i := range 2 * maxChains {
		c.keep(strings.Repeat("x", i), chain{[]byte("c"), now.Add(time.Duration(i+1) * time.Hour)})
	}
	if len(c.kept) != maxChains || c.lookUp("") != nil || c.lookUp(strings.Repeat("x", 2*maxChains-1)) == nil {
		t.Errorf("%d are kept", len(c.kept))
	}
}
