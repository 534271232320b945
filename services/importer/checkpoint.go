package importer

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// saveEvery keeps a checkpoint from being written with every batch.
const saveEvery = 500 * time.Millisecond

// checkpoint remembers how far an import that has not ended came. It holds the summary: its Records are those that
// are acknowledged. Once an import has ended there is no checkpoint any more: whoever runs it again may have emptied
// the server in between, and the ids see to it that nothing is there twice.
type checkpoint struct {
	path string // empty: none is kept
	last time.Time
}

// openCheckpoint names the checkpoint by everything that makes it this import and no other: the files' content, the
// mapping, the zone, the server and the workspace's key (hashed).
func openCheckpoint(c *Config, files [32]byte, mapping []byte) *checkpoint {
	if c.StateDir == "" {
		return &checkpoint{}
	}
	h := sha256.New()
	for _, part := range [][]byte{files[:], mapping, []byte(c.Zone), []byte(c.Client.URL), []byte(c.Client.Key)} {
		sum := sha256.Sum256(part)
		h.Write(sum[:])
	}
	return &checkpoint{path: filepath.Join(c.StateDir, hex.EncodeToString(h.Sum(nil)[:16])+".json"), last: time.Now()}
}

// load returns the summary of the run that was broken off; a zero one when there was none.
func (p *checkpoint) load() (s Summary, err error) {
	if p.path == "" {
		return s, nil
	}
	b, err := os.ReadFile(p.path)
	if errors.Is(err, os.ErrNotExist) {
		return s, nil
	}
	if err == nil {
		err = json.Unmarshal(b, &s)
	}
	if err != nil {
		return Summary{}, fmt.Errorf("import: checkpoint %s: %w", p.path, err)
	}
	return s, nil
}

// maySave saves when the last time is long enough ago.
func (p *checkpoint) maySave(s *Summary) error {
	if time.Since(p.last) < saveEvery {
		return nil
	}
	return p.save(s)
}

// save writes a new file and puts it in the place of the old, so that a kill leaves one of the two.
func (p *checkpoint) save(s *Summary) error {
	if p.path == "" {
		return nil
	}
	p.last = time.Now()
	b, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("import: checkpoint: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(p.path), 0o700); err != nil {
		return fmt.Errorf("import: checkpoint: %w", err)
	}
	if err := os.WriteFile(p.path+".new", b, 0o600); err != nil {
		return fmt.Errorf("import: checkpoint: %w", err)
	}
	if err := os.Rename(p.path+".new", p.path); err != nil {
		return fmt.Errorf("import: checkpoint: %w", err)
	}
	return nil
}

// remove forgets the checkpoint of an import that has ended.
func (p *checkpoint) remove() error {
	if p.path == "" {
		return nil
	}
	if err := os.Remove(p.path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("import: checkpoint: %w", err)
	}
	return nil
}
