package progress

import (
	"bytes"
	"testing"
	"testing/synctest"
	"time"
)

// Where there is no terminal, a note is a line now and then, at what was done before.
func TestNoteInALog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		p := Start(&log, "import", 200)
		p.Set(50, "50 records")
		time.Sleep(every)
		p.Note("tries again: it is away")
		p.Note("tries again: too soon for another line")
		p.Stop()
		if got := log.String(); got != "import: 25%, tries again: it is away\n" {
			t.Errorf("%q", got)
		}
	})
}
