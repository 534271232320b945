package clients

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// said is a touchpoint as JSON; without an id it gets that of its place.
func said(id, customer string) string {
	if id != "" {
		id = `"id":"` + id + `",`
	}
	return `{` + id + `"time":"2026-03-02T10:00:00Z","channel":"chat","direction":"inbound","kind":"message","actor":{"type":"customer"},` +
		`"identifiers":[{"type":"customer_id","value":"` + customer + `","verified":true}]}`
}

// letter is the dead letter of a place on the raw topic.
func (u up) letter(t *testing.T, position string) []byte {
	t.Helper()
	var content []byte
	eventually(t, func() error {
		list, err := get[struct {
			DeadLetters []struct{ ID, Position string } `json:"dead_letters"`
		}](u, "/v1/dead-letters?source=raw")
		if err != nil {
			return err
		}
		for _, l := range list.DeadLetters {
			if l.Position == position {
				one, err := get[struct{ Bytes string }](u, "/v1/dead-letters/"+l.ID)
				if err != nil {
					return err
				}
				content, err = base64.StdEncoding.DecodeString(one.Bytes)
				return err
			}
		}
		return fmt.Errorf("no dead letter of %s among %+v", position, list)
	})
	return content
}

// kcat, as Debian has it: one message a line, with the header that names the workspace; then bytes that are no touchpoint.
func TestKcat(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("kcat"); err != nil {
		missing(t, requireKafka, "no kcat: make clients")
	}
	u := start(t)
	kcat := func(input string, args ...string) {
		t.Helper()
		c := exec.CommandContext(t.Context(), "kcat", append([]string{"-P", "-b", u.kafka, "-t", "touchpoints.raw"}, args...)...)
		c.Stdin = strings.NewReader(input)
		if out, err := c.CombinedOutput(); err != nil {
			t.Fatalf("kcat: %v: %s", err, out)
		}
	}
	kcat(said("kcat-1", "kcat")+"\n"+said("", "kcat")+"\n", "-H", "workspace=default", "-z", "lz4")
	kcat(said("kcat-keyed", "kcat"), "-k", "any key", "-p", "0")
	kcat("\x00\x01\xfe", "-D", "|", "-p", "1")
	ids := u.touchpoints(t, "customer_id:kcat", 3)
	if !strings.Contains(ids, "kcat-1") || !strings.Contains(ids, "kcat-keyed") || !strings.Contains(ids, "touchpoints.raw/") {
		t.Errorf("touchpoints %s", ids)
	}
	list, err := get[struct {
		DeadLetters []struct{ Position string } `json:"dead_letters"`
	}](u, "/v1/dead-letters?source=raw")
	eventually(t, func() error {
		if list, err = get[struct {
			DeadLetters []struct{ Position string } `json:"dead_letters"`
		}](u, "/v1/dead-letters?source=raw"); err != nil || len(list.DeadLetters) != 1 {
			return fmt.Errorf("%+v %w", list, err)
		}
		return nil
	})
	if p := list.DeadLetters[0].Position; !strings.HasPrefix(p, "touchpoints.raw/1/") {
		t.Errorf("the dead letter is of %s", p)
	} else if got := u.letter(t, p); !bytes.Equal(got, []byte("\x00\x01\xfe")) {
		t.Errorf("the dead letter of %s keeps %q", p, got)
	}
}

// The Java client of Apache Kafka, idempotent as it is by default.
func TestJavaProducer(t *testing.T) {
	t.Parallel()
	libs, err := filepath.Abs("../../.cache/kafka/libs")
	if err != nil {
		t.Fatal(err)
	}
	if found, _ := filepath.Glob(libs + "/kafka-clients-*.jar"); len(found) == 0 {
		missing(t, requireKafka, "no kafka-clients: make kafka")
	}
	if _, err := exec.LookPath("java"); err != nil {
		missing(t, requireKafka, "no Java: make kafka")
	}
	u := start(t)
	// One source file needs no compiler of its own: java compiles it in memory (JEP 330), where the JDK's compiler is there.
	c := exec.CommandContext(t.Context(), "java", "-cp", libs+"/*", "java/Producer.java", u.kafka, said("java-1", "java"), said("", "java"))
	var stderr bytes.Buffer
	c.Stderr = &stderr
	out, err := c.Output()
	if err != nil {
		if strings.Contains(stderr.String(), "compiler") && os.Getenv(requireKafka) == "" {
			t.Skip("this Java has no compiler: a JDK is needed")
		}
		t.Fatalf("java: %v: %s", err, stderr.String())
	}
	places := strings.Fields(string(out))
	if len(places) != 3 {
		t.Fatalf("%q", places)
	}
	if ids := u.touchpoints(t, "customer_id:java", 2); !strings.Contains(ids, "java-1") || !strings.Contains(ids, "touchpoints.raw/"+places[1]) {
		t.Errorf("touchpoints %s", ids)
	}
	if got := u.letter(t, "touchpoints.raw/"+places[2]); !bytes.Equal(got, []byte{0, 1, 0xfe}) {
		t.Errorf("the dead letter keeps %q", got)
	}
}
