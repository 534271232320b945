// Package progress shows on a terminal, or in lines for a log, how far a long piece of work is.
package progress

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// every is how often a line is written where there is no terminal.
const every = 5 * time.Second

// Progress is one piece of work. It is safe for use by several goroutines.
type Progress struct {
	mu    sync.Mutex
	w     io.Writer
	what  string
	total int64
	done  int64
	bar   *progressbar.ProgressBar // nil where there is no terminal
	last  time.Time
}

// Start begins with nothing done of total, in any unit. A writer that is a terminal gets a bar; a nil one gets nothing.
func Start(w io.Writer, what string, total int64) *Progress {
	p := &Progress{w: w, what: what, total: max(total, 1), last: time.Now()}
	if w == nil {
		p.w = io.Discard
	}
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		p.bar = progressbar.NewOptions64(p.total,
			progressbar.OptionSetWriter(w), progressbar.OptionSetDescription(what), progressbar.OptionSetWidth(30),
			progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionSetPredictTime(true),
			progressbar.OptionShowDescriptionAtLineEnd(), progressbar.OptionClearOnFinish())
	}
	return p
}

// Set says how much is done, and something worth knowing beside it, such as a count.
func (p *Progress) Set(done int64, note string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done = min(max(done, 0), p.total)
	p.show(note)
}

// Note says why it goes no further.
func (p *Progress) Note(note string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.show(note)
}

func (p *Progress) show(note string) {
	if p.bar != nil {
		p.bar.Describe(p.what + ": " + note)
		_ = p.bar.Set64(p.done) // a bar that cannot be drawn must not stop the work
		return
	}
	if now := time.Now(); now.Sub(p.last) >= every {
		p.last = now
		fmt.Fprintf(p.w, "%s: %d%%, %s\n", p.what, p.done*100/p.total, note)
	}
}

// Stop takes the bar away, so that what is written next starts on its own line.
func (p *Progress) Stop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.bar != nil {
		_ = p.bar.Clear()
		fmt.Fprintln(p.w)
	}
}
