package endtoend

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// The disk is full: the door answers 503, and when there is room again everything goes on, with nothing lost.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=256m"); err != nil {
		t.Skipf("a small disk cannot be made here (it takes root): %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
	u := newUp(t, filepath.Join(dir, "data"))
	u.start()
	s := startSenders(t, u, "disk")
	s.more(50)
	ballast := filepath.Join(dir, "ballast")
	fill(t, ballast)
	s.refused()
	reads(t, u, aLookup)
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	s.more(50)
	// Again, and this time the server is killed while the disk is full.
	fill(t, ballast)
	s.refused()
	u.Kill()
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	u.start()
	s.more(50)
	s.stop()
	t.Logf("answers: %s", s.answers())
	if report := u.settle(); int64(report.Touchpoints) < s.accepted.Load() {
		t.Errorf("%+v, %d accepted", report, s.accepted.Load())
	}
	eventually(t, 30*time.Second, func() error {
		if got := get[reportAnswer[figures]](u, aReport).Totals.Touchpoints; int64(got) < s.accepted.Load() {
			return fmt.Errorf("the report has %d of %d", got, s.accepted.Load())
		}
		return nil
	})
}

// fill writes until there is no room any more, down to the last bytes.
func fill(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	for size := 1 << 20; size > 0; {
		if _, err := f.Write(make([]byte, size)); errors.Is(err, syscall.ENOSPC) {
			size /= 2
		} else if err != nil {
			t.Fatal(err)
		}
	}
}
