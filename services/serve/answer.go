package serve

import (
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/segmentio/encoding/json"
)

// Time is an instant in an answer: RFC 3339 in UTC, to the millisecond.
type Time time.Time

// MarshalJSON writes it.
func (t Time) MarshalJSON() ([]byte, error) {
	return time.Time(t).UTC().AppendFormat(nil, `"2006-01-02T15:04:05.000Z07:00"`), nil
}

// answer writes v as JSON, in which what is JSON already stands byte for byte as it is (encoding/json would compact it). It is encoded whole first,
// so that a failure can still become a problem document.
func answer(w http.ResponseWriter, status int, v any) error {
	body, err := json.Append(nil, v, json.SortMapKeys)
	if err != nil {
		return fmt.Errorf("serve: encode answer: %w", err)
	}
	send(w, status, "application/json", append(body, '\n'))
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
