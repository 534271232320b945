package serve

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// Time is an instant in an answer: RFC 3339 in UTC, to the millisecond.
type Time time.Time

// MarshalJSON writes it.
func (t Time) MarshalJSON() ([]byte, error) {
	return time.Time(t).UTC().AppendFormat(nil, `"2006-01-02T15:04:05.000Z07:00"`), nil
}

// verbatim is JSON that an answer carries byte for byte. The encoder would compact it and escape it anew, so it passes as a text between marks,
// which answer takes off again.
type verbatim []byte

// mark is of this process alone: nobody can have sent it.
var mark = []byte(rand.Text())

// MarshalJSON writes the text that stands for it.
func (v verbatim) MarshalJSON() ([]byte, error) {
	b := append([]byte{'"'}, mark...)
	b = base64.RawStdEncoding.AppendEncode(b, v)
	return append(append(b, mark...), '"'), nil
}

// spelt puts what is verbatim into the encoded answer.
func spelt(encoded []byte) ([]byte, error) {
	parts := bytes.Split(encoded, mark)
	out := parts[0]
	if len(parts) == 1 {
		return out, nil
	}
	out = make([]byte, 0, len(encoded))
	for i, part := range parts {
		switch {
		case i%2 == 1:
			var err error
			if out, err = base64.RawStdEncoding.AppendDecode(out, part); err != nil {
				return nil, err
			}
			continue
		case i > 0:
			part = part[1:] // the quote behind it
		}
		if i < len(parts)-1 {
			part = part[:len(part)-1] // and the one before the next
		}
		out = append(out, part...)
	}
	return out, nil
}

// answer writes v as JSON. It is encoded whole first, so that a failure can still become a problem document.
func answer(w http.ResponseWriter, status int, v any) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return fmt.Errorf("serve: encode answer: %w", err)
	}
	body, err := spelt(b.Bytes())
	if err != nil {
		return fmt.Errorf("serve: encode answer: %w", err)
	}
	send(w, status, "application/json", body)
	return nil
}

func send(w http.ResponseWriter, status int, media string, body []byte) {
	h := w.Header()
	h.Set("Content-Type", media)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(body) // an error means that the client is gone
}
