package mail

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/emersion/go-smtp"

	"github.com/throughline/throughline/schemas/touchpoint"
	"github.com/throughline/throughline/services/client"
	"github.com/throughline/throughline/streams/mail"
)

func TestAcceptedMeansOnTheLog(t *testing.T) {
	d := openDoor(t)
	s, _ := start(t, d)
	c := connect(t, s)
	if err := c.SendMail("anna@customer.example", []string{"support@example.com"}, strings.NewReader(text("1", ".dots\r\n..at the beginning"))); err != nil {
		t.Fatal(err)
	}
	if d.count("default") != 1 || d.stored["default"][0].Text != ".dots\n..at the beginning" {
		t.Fatalf("stored %+v", d.stored)
	}
	for name, answer := range map[string]func(http.ResponseWriter) bool{
		"away":      func(http.ResponseWriter) bool { panic(http.ErrAbortHandler) },
		"busy":      func(w http.ResponseWriter) bool { w.WriteHeader(http.StatusServiceUnavailable); return true },
		"wrong key": func(w http.ResponseWriter) bool { w.WriteHeader(http.StatusUnauthorized); return true },
	} {
		d.when(answer)
		if err := c.SendMail("anna@customer.example", []string{"support@example.com"}, strings.NewReader(text(name, "x"))); code(err) != 451 {
			t.Errorf("%s: answered %v", name, err)
		}
	}
	d.when(nil)
	if err := c.SendMail("anna@customer.example", []string{"support@example.com"}, strings.NewReader(text("2", "x"))); err != nil {
		t.Errorf("on the same connection, once the log is back: %v", err)
	}
	d.when(func(w http.ResponseWriter) bool {
		w.WriteHeader(http.StatusAccepted)
		fmt.Fprint(w, `{"accepted":0,"rejected":[{"index":0,"id":"x","field":"kind","reason":"no"}]}`)
		return true
	})
	if err := c.SendMail("", []string{"support@example.com"}, strings.NewReader(text("3", "x"))); err != nil {
		t.Errorf("what is in the dead letters is on the log: %v", err)
	}
}

func TestRelaysNothing(t *testing.T) {
	d := openDoor(t)
	s, _ := start(t, d)
	c := connect(t, s)
	for _, to := range []string{"anna@customer.example", "other@example.com", "support@sub.help.example.com", "support%customer.example@example.com", "support"} {
		if err := c.Mail("x@y.example", nil); err != nil {
			t.Fatal(err)
		}
		if err := c.Rcpt(to, nil); err == nil {
			t.Errorf("%s is taken", to)
		}
		if err := c.Reset(); err != nil {
			t.Fatal(err)
		}
	}
	// For two workspaces at once, and the same one twice.
	to := []string{"Support@Example.com", "any.body@help.example.com", "orders@shop.example"}
	if err := c.SendMail("x@y.example", to, strings.NewReader(text("both", "x"))); err != nil {
		t.Fatal(err)
	}
	if d.count("default") != 1 || d.count("shop") != 1 {
		t.Errorf("stored %+v", d.stored)
	}
}

func TestLimits(t *testing.T) {
	d := openDoor(t)
	s, _ := start(t, d, func(c *Config) { c.MaxRecipients, c.SmallMail = 3, 1000 })
	c := connect(t, s)
	if err := c.Mail("x@y.example", &smtp.MailOptions{Size: 2_000_000}); code(err) != 552 {
		t.Errorf("a size that is said: %v", err)
	}
	long := strings.Repeat(strings.Repeat("x", 998)+"\r\n", 1100)
	if err := c.SendMail("x@y.example", []string{"support@example.com"}, strings.NewReader(text("large", long))); code(err) != 552 {
		t.Errorf("a size that is not said: %v", err)
	}
	if err := c.SendMail("x@y.example", []string{"support@example.com"}, strings.NewReader(text("fits", long[:500_000]))); err != nil {
		t.Errorf("a large mail: %v", err)
	}
	if err := c.Mail("x@y.example", nil); err != nil {
		t.Fatal(err)
	}
	for i := range 4 {
		if err := c.Rcpt(fmt.Sprintf("%d@help.example.com", i), nil); (err != nil) != (i == 3) {
			t.Errorf("recipient %d: %v", i, err)
		}
	}
	if err := c.Reset(); err != nil {
		t.Fatal(err)
	}
	if err := c.SendMail("x@y.example", []string{"support@example.com"}, strings.NewReader("no head\r\n")); code(err) != 554 {
		t.Errorf("no mail: %v", err)
	}
	if d.count("default") != 1 {
		t.Errorf("stored %d", d.count("default"))
	}
}

// TestBrokenOffIsNotStored: the connection breaks within a mail, and at its end without the final dot.
func TestBrokenOffIsNotStored(t *testing.T) {
	d := openDoor(t)
	s, stop := start(t, d)
	for _, part := range []string{"From: a@b.example\r\nSub", text("cut", "all but the dot")} {
		conn, err := net.Dial("tcp", s.SMTPAddr())
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(conn, "EHLO x\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<support@example.com>\r\nDATA\r\n%s", part)
		buf := make([]byte, 4096)
		for got := ""; !strings.Contains(got, "354"); {
			n, err := conn.Read(buf)
			if err != nil {
				t.Fatal(err)
			}
			got += string(buf[:n])
		}
		_ = conn.Close()
	}
	stop() // waits for what is under way
	if d.count("default") != 0 {
		t.Errorf("stored %+v", d.stored)
	}
}

// TestStoppedAtOnce: a server that is told to stop before it has begun to listen stops.
func TestStoppedAtOnce(t *testing.T) {
	d := openDoor(t)
	for range 50 {
		_, stop := start(t, d)
		stop()
	}
}

// TestNoSmuggling: a line feed, a dot and a line feed are not the end of a mail, so that what one server takes for one mail
// is not two here.
func TestNoSmuggling(t *testing.T) {
	d := openDoor(t)
	s, _ := start(t, d)
	c := connect(t, s)
	inner := "\n.\nMAIL FROM:<boss@example.com>\nRCPT TO:<support@example.com>\nDATA\nFrom: boss@example.com\n\nforged\n"
	if err := c.Mail("x@y.example", nil); err != nil {
		t.Fatal(err)
	}
	if err := c.Rcpt("support@example.com", nil); err != nil {
		t.Fatal(err)
	}
	w, err := c.Data()
	if err != nil {
		t.Fatal(err)
	}
	if _, err = io.WriteString(w, text("outer", inner)); err == nil {
		err = w.Close()
	}
	if err != nil || d.count("default") != 1 {
		t.Errorf("%v, %d stored", err, d.count("default"))
	}
}

func TestLMTP(t *testing.T) {
	d := openDoor(t)
	socket := filepath.Join(t.TempDir(), "lmtp")
	dead, err := net.ListenUnix("unix", &net.UnixAddr{Name: socket})
	if err != nil {
		t.Fatal(err)
	}
	dead.SetUnlinkOnClose(false)
	_ = dead.Close() // as a server that was killed leaves it
	s, _ := start(t, d, func(c *Config) { c.LMTP = socket })
	conn, err := net.Dial("unix", s.LMTPAddr())
	if err != nil {
		t.Fatal(err)
	}
	c := smtp.NewClientLMTP(conn)
	defer c.Close()
	send := func(id string) (answers map[string]error) {
		answers = map[string]error{}
		if err := c.Mail("x@y.example", nil); err != nil {
			t.Fatal(err)
		}
		for _, to := range []string{"support@example.com", "orders@shop.example"} {
			if err := c.Rcpt(to, nil); err != nil {
				t.Fatal(err)
			}
		}
		w, err := c.Data()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, text(id, "x")); err != nil {
			t.Fatal(err)
		}
		good, err := w.CloseWithLMTPResponse()
		for to := range good {
			answers[to] = nil
		}
		var bad smtp.LMTPDataError
		if errors.As(err, &bad) {
			for to, why := range bad {
				answers[to] = why
			}
		}
		return answers
	}
	if a := send("1"); len(a) != 2 || a["support@example.com"] != nil || a["orders@shop.example"] != nil || d.count("shop") != 1 {
		t.Errorf("answered %v, stored %v", a, d.stored)
	}
	d.when(func(w http.ResponseWriter) bool { w.WriteHeader(http.StatusServiceUnavailable); return true })
	if a := send("2"); code(a["support@example.com"]) != 451 || code(a["orders@shop.example"]) != 451 {
		t.Errorf("with the log away: %v", a)
	}
}

func TestSTARTTLS(t *testing.T) {
	d := openDoor(t)
	pair := certificate(t)
	s, _ := start(t, d, func(c *Config) { c.TLS = &tls.Config{Certificates: []tls.Certificate{pair}} })
	roots := x509.NewCertPool()
	roots.AddCert(pair.Leaf)
	c, err := smtp.DialStartTLS(s.SMTPAddr(), &tls.Config{RootCAs: roots, ServerName: "127.0.0.1"})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.SendMail("x@y.example", []string{"support@example.com"}, strings.NewReader(text("tls", "x"))); err != nil {
		t.Fatal(err)
	}
	if _, encrypted := c.TLSConnectionState(); !encrypted || d.count("default") != 1 {
		t.Errorf("encrypted %v, %d stored", encrypted, d.count("default"))
	}
}

// TestStopFinishesWhatIsUnderWay: told to stop while the log is slow, the server still answers 250 for what it began.
func TestStopFinishesWhatIsUnderWay(t *testing.T) {
	d := openDoor(t)
	s, stop := start(t, d)
	c := connect(t, s)
	began, goOn := make(chan struct{}), make(chan struct{})
	d.when(func(http.ResponseWriter) bool { close(began); <-goOn; return false })
	sent := make(chan error, 1)
	go func() {
		sent <- c.SendMail("x@y.example", []string{"support@example.com"}, strings.NewReader(text("slow", "x")))
	}()
	<-began
	stopped := make(chan struct{})
	go func() { stop(); close(stopped) }()
	close(goOn)
	if err := <-sent; err != nil {
		t.Errorf("under way: %v", err)
	}
	<-stopped
	if _, err := smtp.Dial(s.SMTPAddr()); err == nil {
		t.Error("it still takes connections")
	}
}

// TestMachinesWithoutASender: the empty sender of the envelope is a sign of a machine.
func TestMachinesWithoutASender(t *testing.T) {
	d := openDoor(t)
	s, _ := start(t, d)
	c := connect(t, s)
	if err := c.SendMail("", []string{"support@example.com"}, strings.NewReader(text("null", "x"))); err != nil {
		t.Fatal(err)
	}
	if got := d.stored["default"][0]; got.Actor.Type != touchpoint.System || got.Kind != "email.auto_replied" {
		t.Errorf("it is %s by %s", got.Kind, got.Actor.Type)
	}
}

func TestValidate(t *testing.T) {
	d := openDoor(t)
	for want, change := range map[string]func(*Config){
		"say where to listen":        func(c *Config) { c.SMTP, c.LMTP = "", "" },
		"no rules":                   func(c *Config) { c.Rules = nil },
		"workspace shop has no door": func(c *Config) { delete(c.Doors, "shop") },
		"must be positive":           func(c *Config) { c.LargeMails = 0 },
		"mail: listen":               func(c *Config) { c.SMTP = "127.0.0.1:x" },
	} {
		c := DefaultConfig()
		parsed, err := mail.ParseRules([]byte(rules))
		if err != nil {
			t.Fatal(err)
		}
		door := DefaultDoor()
		door.URL, door.Key = d.URL, "k"
		c.SMTP, c.Rules, c.Doors = "127.0.0.1:0", parsed, map[string]client.Config{"default": door, "shop": door}
		change(&c)
		if _, err := NewServer(c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}
