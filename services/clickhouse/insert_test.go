package clickhouse

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"

	driver "github.com/ClickHouse/clickhouse-go/v2"
)

// hasty answers before it has read what it was sent, as the way to the server does when a deadline passes.
type hasty struct {
	driver.Conn
	err    error
	bodies []io.Reader
}

func (h *hasty) InsertFormat(_ context.Context, _, _ string, body io.Reader) error {
	h.bodies = append(h.bodies, body)
	return h.err
}

// What an insert that failed still sends is never overwritten by the next one.
func TestABodyThatIsStillReadIsLeftAlone(t *testing.T) {
	conn := &hasty{err: errors.New("timed out")}
	db := &DB{conn: conn, types: map[string]map[string]string{"t": {"n": "String"}}}
	for _, text := range []string{"first", "other"} {
		column := new(StringColumn)
		column.Append(text)
		if err := db.Insert(t.Context(), "t", "", []Column{{Name: "n", Data: column}}); !errors.Is(err, ErrUnavailable) {
			t.Fatal(err)
		}
	}
	sent, err := io.ReadAll(conn.bodies[0])
	if err != nil || !bytes.Contains(sent, []byte("first")) {
		t.Errorf("the first insert sends %q, %v", sent, err)
	}
}
